/* SPDX-License-Identifier: MIT */

/*
 * The commands of the control socket, one function each. They tell what the
 * master knows or set in motion what a POSIX signal would, too; none of them
 * waits. The answers to "reload" and "upgrade" are given when that is over.
 *
 * THREADS  Master only.
 * FAILURE  {"ok":false,"error":"..."}; without memory the client is closed.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/master_int.h"
#include "server/version.h"
#include "worker/metrics.h"

#define ARGUMENTS_MAX 4

struct request {
	struct master *master;
	struct control_client *client;
	const char *command;
	const char *arguments[ARGUMENTS_MAX];
	int count;
	cJSON *answer;
};

struct command {
	const char *name;
	int least; /* arguments */
	int most;
	const char *(*run)(struct request *request); /* NULL or an error */
};

static double
seconds_since(const struct master *master, int64_t time_us)
{
	int64_t ms = (master->now_us - time_us) / 1000;

	return (double)ms / 1000;
}

static void
put_number(cJSON *object, const char *name, double number)
{
	(void)cJSON_AddNumberToObject(object, name, number);
}

static void
put_text(cJSON *object, const char *name, const char *text)
{
	(void)cJSON_AddStringToObject(object, name, text);
}

static const char *
state_word(const struct master *master)
{
	if (master->crew.stop != CREW_RUN)
		return "stopping";
	if (!master->crew.serving)
		return "starting";
	if (master->reload.state != RELOAD_IDLE)
		return "reloading";
	if (master->crew.resting)
		return "resting";
	if (master->upgrade.pid > 0)
		return "upgrading";
	if (crew_is_relapsing(&master->crew) ||
	    crew_count_uncached(&master->crew) > 0)
		return "degraded";
	if (crew_count(&master->crew, SEAT_READY) < master->crew.target)
		return crew_is_growing(&master->crew) ? "scaling" : "degraded";
	return "serving";
}

static const char *
run_status(struct request *rq)
{
	const struct master *master = rq->master;
	const struct crew *crew = &master->crew;
	const struct reload *reload = &master->reload;
	const struct server_options *options = master->current.settings.options;
	char *folder = getcwd(NULL, 0);

	put_text(rq->answer, "state", state_word(master));
	put_text(rq->answer, "version", PRONGHORN_VERSION);
	put_number(rq->answer, "pid", getpid());
	put_number(rq->answer, "uptime",
	    seconds_since(master, master->started_us));
	put_number(rq->answer, "generation", crew->generation);
	put_number(rq->answer, "workers_wanted", crew->target);
	put_number(rq->answer, "workers_configured", options->workers);
	put_number(rq->answer, "workers_ready", crew_count(crew, SEAT_READY));
	put_number(rq->answer, "workers_booting",
	    crew_count(crew, SEAT_BOOTING));
	put_number(rq->answer, "workers_without_cache",
	    crew_count_uncached(crew));
	put_number(rq->answer, "workers_leaving",
	    crew_count(crew, SEAT_LEAVING));
	put_number(rq->answer, "workers_held_back", crew->held);
	put_number(rq->answer, "failed_starts", crew->backoff.failures);
	put_number(rq->answer, "early_crashes", crew->relapses);
	put_number(rq->answer, "deaths", master->deaths);
	put_text(rq->answer, "last_failure", master->failure);
	put_number(rq->answer, "keeper_pid", master->keeper.seat.pid);
	put_number(rq->answer, "reloads", reload->finished);
	put_text(rq->answer, "last_reload",
	    reload->finished == 0 ? "none"
	    : reload->failed      ? reload->text
				  : "ok");
	put_number(rq->answer, "upgrade_pid", master->upgrade.pid);
	put_text(rq->answer, "last_upgrade",
	    master->upgrade.text[0] != '\0' ? master->upgrade.text : "none");
	put_text(rq->answer, "log_level", log_level_name(log_threshold));
	put_text(rq->answer, "folder", folder != NULL ? folder : "");
	free(folder);
	return NULL;
}

/* Bytes of memory that no other process shares; -1: cannot be told. */
static double
private_bytes(pid_t pid)
{
	char path[64];
	char line[128];
	long long kib;
	double sum = -1;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%ld/smaps_rollup", (long)pid);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "Private_Dirty: %lld kB", &kib) == 1)
			sum = (double)kib * 1024;
	}
	if (file != NULL)
		(void)fclose(file);
	return sum;
}

static void
put_worker(const struct master *master, unsigned slot, cJSON *list)
{
	static const char *const states[] = { [SEAT_BOOTING] = "booting",
		[SEAT_READY] = "ready",
		[SEAT_LEAVING] = "leaving" };
	const struct seat *seat = &master->crew.seats[slot];
	cJSON *row = cJSON_CreateObject();
	double boot = (double)(seat->ready_us - seat->forked_us) / 1e6;

	put_number(row, "slot", slot);
	put_number(row, "pid", seat->pid);
	put_text(row, "state", states[seat->state]);
	if (seat->state == SEAT_LEAVING)
		put_text(row, "reason", seat_reason_name(seat->reason));
	else
		put_text(row, "reason", "");
	put_number(row, "generation", seat->generation);
	put_number(row, "age", seconds_since(master, seat->forked_us));
	put_number(row, "boot", seat->ready_us != 0 ? boot : -1);
	put_number(row, "silent", seconds_since(master, seat->beat_us));
	put_number(row, "connections", seat->beat.connections);
	put_number(row, "requests", (double)seat->beat.requests);
	put_number(row, "errors", (double)seat->beat.answers[3]);
	put_number(row, "busy", seat->beat.busy);
	put_number(row, "parked", seat->beat.parked);
	put_number(row, "memory", private_bytes(seat->pid));
	(void)cJSON_AddItemToArray(list, row);
}

static const char *
run_workers(struct request *rq)
{
	cJSON *list = cJSON_AddArrayToObject(rq->answer, "workers");
	unsigned slot;

	for (slot = 0; slot < rq->master->crew.slot_count; slot++) {
		if (rq->master->crew.seats[slot].pid > 0)
			put_worker(rq->master, slot, list);
	}
	return NULL;
}

static const char *
run_cache(struct request *rq)
{
	control_cache(rq->master, rq->answer);
	return NULL;
}

static const char *
run_signals(struct request *rq)
{
	tally_put(rq->master, true);
	control_waits(&rq->master->tally.board, rq->answer);
	return NULL;
}

/* Where a browser finds the page; a socket of this machine has no such name. */
static void
put_url(cJSON *row, const struct listen_address *address,
    const struct master_settings *settings)
{
	struct buf url = BUF_EMPTY;

	if (address->kind != LISTEN_TCP)
		return;
	(void)listen_print_url(address, settings->secure, &url);
	(void)buf_puts(&url, settings->path != NULL ? settings->path : "/");
	if (buf_cstr(&url) != NULL)
		put_text(row, "url", url.data);
	buf_free(&url);
}

static const char *
run_listeners(struct request *rq)
{
	const struct listen_set *set = &rq->master->current.listeners;
	const struct master_settings *settings = &rq->master->current.settings;
	cJSON *list = cJSON_AddArrayToObject(rq->answer, "listeners");
	struct buf text = BUF_EMPTY;
	const char *address;
	cJSON *row;
	size_t i;

	for (i = 0; i < set->count; i++) {
		row = cJSON_CreateObject();
		buf_clear(&text);
		(void)listen_address_print(&set->sockets[i].address, &text);
		address = buf_cstr(&text);
		put_text(row, "address", address != NULL ? address : "");
		put_url(row, &set->sockets[i].address, settings);
		put_number(row, "fd", set->fds[i]);
		put_number(row, "queue", listen_queue(set->fds[i]));
		(void)cJSON_AddItemToArray(list, row);
	}
	buf_free(&text);
	return NULL;
}

static const char *
run_config(struct request *rq)
{
	const struct master_children *children = rq->master->children;
	cJSON *list = cJSON_AddArrayToObject(rq->answer, "config");

	if (children->settings != NULL)
		children->settings(rq->master->current.settings.context, list);
	return NULL;
}

static const char *
run_reload(struct request *rq)
{
	bool anew = rq->count > 0;

	if (anew && strcmp(rq->arguments[0], "anew") != 0)
		return "reload takes nothing, or anew";
	if (rq->master->crew.stop != CREW_RUN)
		return "the server is stopping";
	rq->client->waits_for = CONTROL_RELOAD;
	reload_begin(rq->master, anew); /* may be over at once */
	return NULL;
}

static const char *
run_upgrade(struct request *rq)
{
	const char *error = upgrade_begin(rq->master);

	if (error == NULL)
		rq->client->waits_for = CONTROL_UPGRADE;
	return error;
}

static const char *
run_reopen_logs(struct request *rq)
{
	master_reopen_logs(rq->master);
	return NULL;
}

/* A whole number from 0, -1: it is none. */
static long
number_of(const char *text)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number < 0)
		return -1;
	return number;
}

static const char *
run_scale(struct request *rq)
{
	struct master *master = rq->master;
	long number = number_of(rq->arguments[0]);

	if (master->crew.stop != CREW_RUN)
		return "the server is stopping";
	if (number < 1 || number > master->crew.slot_count / 2)
		return "not a number of workers, or more than there is room "
		       "for without a restart";
	crew_scale(&master->crew, (unsigned)number);
	log_info("master.resize", "workers=%u", master->crew.target);
	put_number(rq->answer, "workers_wanted", master->crew.target);
	return NULL;
}

static const char *
run_kill_worker(struct request *rq)
{
	struct crew *crew = &rq->master->crew;
	long slot = number_of(rq->arguments[0]);

	if (slot < 0 || slot >= (long)crew->slot_count ||
	    crew->seats[slot].pid <= 0)
		return "no worker sits in that slot";
	put_number(rq->answer, "pid", crew->seats[slot].pid);
	crew_dismiss(crew, (unsigned)slot, rq->master->now_us);
	return NULL;
}

static const char *
run_log_level(struct request *rq)
{
	const struct crew *crew = &rq->master->crew;
	int level = log_level_parse(rq->arguments[0]);
	unsigned slot;

	if (level < 0)
		return "a level is debug, info, warning, error or critical";
	log_threshold = level; /* a new worker inherits it */
	for (slot = 0; slot < crew->slot_count; slot++)
		seat_order(&crew->seats[slot], HANDOFF_ORDER_LOG_LEVEL,
		    (uint32_t)level);
	put_text(rq->answer, "log_level", log_level_name(level));
	return NULL;
}

static const char *
run_last_crash(struct request *rq)
{
	const struct crash *crash = &rq->master->crash;
	time_t seconds = (time_t)(crash->wall_ms / 1000);
	char text[32];
	struct tm tm;
	cJSON *list;
	unsigned i;

	if (crash->wall_ms == 0)
		return "no worker has crashed";
	(void)gmtime_r(&seconds, &tm);
	(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	put_text(rq->answer, "time", text);
	put_number(rq->answer, "slot", crash->slot);
	put_number(rq->answer, "pid", crash->pid);
	put_text(rq->answer, "what", crash->text);
	put_text(rq->answer, "end", crash->status);
	list = cJSON_AddArrayToObject(rq->answer, "stack");
	for (i = 0; i < crash->count; i++)
		(void)cJSON_AddItemToArray(list,
		    cJSON_CreateString(crash->lines[i]));
	return NULL;
}

static void
put_metric(void *list, const struct metric_sample *sample)
{
	static const struct {
		const char *name;
		double part;
	} parts[] = { { "p50", 0.5 }, { "p95", 0.95 }, { "p99", 0.99 } };
	cJSON *row = cJSON_CreateObject();
	size_t i;

	put_text(row, "metric", sample->metric->name);
	put_text(row, "type", metrics_type_name(sample->metric->type));
	put_text(row, "label", sample->metric->label);
	put_text(row, "of", sample->label_value);
	put_number(row, "value", sample->value);
	if (sample->buckets != NULL)
		put_number(row, "count", (double)sample->count);
	else
		(void)cJSON_AddNullToObject(row, "count");
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (sample->buckets != NULL && sample->count > 0)
			put_number(row, parts[i].name,
			    metrics_percentile(sample->buckets, sample->count,
				parts[i].part));
		else
			(void)cJSON_AddNullToObject(row, parts[i].name);
	}
	(void)cJSON_AddItemToArray(list, row);
}

static const char *
run_metrics(struct request *rq)
{
	cJSON *list = cJSON_AddArrayToObject(rq->answer, "metrics");

	tally_put(rq->master, true);
	metrics_each(&rq->master->tally.board, put_metric, list);
	return NULL;
}

static const char *
run_stop(struct request *rq)
{
	bool quick = rq->count > 0 && strcmp(rq->arguments[0], "quick") == 0;

	if (rq->count > 0 && !quick &&
	    strcmp(rq->arguments[0], "graceful") != 0)
		return "stop takes graceful or quick";
	master_stop(rq->master, quick ? CREW_QUIT : CREW_STOP, "ctl");
	return NULL;
}

static const struct command commands[] = {
#define COMMAND(name, least, most, kind, function) \
	{ name, least, most, function },
#include "server/control.def"
#undef COMMAND
};

static void
send_answer(struct control_client *client, cJSON *answer)
{
	char *text = cJSON_PrintUnformatted(answer);

	if (text == NULL || buf_printf(&client->out, "%s\n", text) < 0) {
		buf_clear(&client->out);
		(void)buf_putl(&client->out,
		    "{\"ok\":false,\"error\":\"out of memory\"}\n");
		client->leaving = true;
	}
	cJSON_free(text);
}

static void
send_error(struct control_client *client, const char *error)
{
	cJSON *answer = cJSON_CreateObject();

	(void)cJSON_AddFalseToObject(answer, "ok");
	put_text(answer, "error", error);
	send_answer(client, answer);
	cJSON_Delete(answer);
}

/* The words of the line into the request; NULL or an error. */
static const char *
take_apart(const cJSON *line, struct request *rq)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(line, "arguments");
	const cJSON *item;

	rq->command = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(line, "command"));
	if (rq->command == NULL)
		return "a line is "
		       "{\"command\":\"...\",\"arguments\":[\"...\"]}";
	if (list != NULL && !cJSON_IsArray(list))
		return "arguments must be a list of texts";
	cJSON_ArrayForEach(item, list)
	{
		if (!cJSON_IsString(item) || rq->count == ARGUMENTS_MAX)
			return "arguments must be a list of a few texts";
		rq->arguments[rq->count++] = item->valuestring;
	}
	return NULL;
}

static const char *
find_and_run(struct request *rq)
{
	const struct command *command;
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		command = &commands[i];
		if (strcmp(command->name, rq->command) != 0)
			continue;
		if (rq->count < command->least || rq->count > command->most)
			return "wrong number of arguments";
		log_info("control.command",
		    "command=%s argument=\"%.64s\" "
		    "uid=%ld peer=%ld",
		    command->name, rq->count > 0 ? rq->arguments[0] : "",
		    (long)rq->client->uid, (long)rq->client->pid);
		return command->run(rq);
	}
	return "no such command";
}

void
control_command(void *context, struct control_client *client)
{
	struct request rq = { .master = context, .client = client };
	cJSON *line = cJSON_ParseWithLength(client->line, client->line_len);
	const char *error = take_apart(line, &rq);

	rq.answer = cJSON_CreateObject();
	(void)cJSON_AddTrueToObject(rq.answer, "ok");
	if (error == NULL)
		error = find_and_run(&rq);
	if (error != NULL)
		send_error(client, error);
	else if (client->waits_for == CONTROL_NOTHING && client->out.len == 0)
		send_answer(client, rq.answer);
	cJSON_Delete(rq.answer);
	cJSON_Delete(line);
}

void
control_command_reloaded(struct master *master)
{
	const struct reload *reload = &master->reload;
	struct control_client *client;
	size_t i;

	/* Who asked during this one waits for the next. */
	for (i = 0; !reload->again && i < CONTROL_CLIENTS_MAX; i++) {
		client = &master->control.clients[i];
		if (client->fd < 0 || client->waits_for != CONTROL_RELOAD)
			continue;
		client->waits_for = CONTROL_NOTHING;
		if (reload->failed)
			send_error(client, reload->text);
		else
			(void)buf_printf(&client->out,
			    "{\"ok\":true,\"generation\":%u}\n",
			    master->crew.generation);
	}
}

void
control_command_upgraded(struct master *master)
{
	const struct upgrade *upgrade = &master->upgrade;
	struct control_client *client;
	size_t i;

	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		client = &master->control.clients[i];
		if (client->fd < 0 || client->waits_for != CONTROL_UPGRADE)
			continue;
		client->waits_for = CONTROL_NOTHING;
		if (!upgrade->ready)
			send_error(client, upgrade->text);
		else
			(void)buf_printf(&client->out,
			    "{\"ok\":true,\"pid\":%ld}\n", (long)upgrade->pid);
	}
}
