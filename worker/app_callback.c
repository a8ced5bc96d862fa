/* SPDX-License-Identifier: MIT */

/*
 * What an app says about its callbacks inside PH_APP().
 *
 * Every mistake is written to `problems` with the names the author used, and
 * the definition goes on, so that one start shows all of them.
 *
 * OWNERSHIP  All texts are copied into the struct app; values made inside
 *            PH_APP() live in its arena.
 * THREADS    The loading thread only.
 */
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/app.h"
#include "worker/dash_id.h"
#include "worker/host.h"
#include "worker/job.h"

#define NOT_WHAT "is not \"id.property\" (an id has no dot and no brace)"
#define BACKGROUND_KEEP 600.0 /* seconds */
#define NAME_LETTERS                                     \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST" \
	"UVWXYZ0123456789_$"
#define INLINE_SPACE "_dashprivate_clientside_funcs"

/* A dict id: up to the brace in front of ".property". */
static const char *
parse_pattern(struct app *app, const char *what, size_t len,
    struct dependency *dependency)
{
	const char *why;
	const char *text;

	dependency->pattern = dash_id_parse(&app->arena, what, len, &why);
	if (dependency->pattern == NULL)
		return why;
	text = dash_id_string(&app->arena, dependency->pattern);
	if (text == NULL)
		return "does not fit into memory";
	/* The browser splits a list of outputs there. */
	if (strstr(text, "...") != NULL)
		return "has three dots in a row";
	dependency->is_list = dash_id_is_list(dependency->pattern);
	dependency->id = strdup(text);
	return NULL;
}

const char *
app_parse_dependency(struct app *app, const char *what,
    struct dependency *dependency)
{
	const char *why = NULL;
	const char *dot = strrchr(what, '.');
	size_t len;

	if (dot == NULL || dot == what || dot[1] == '\0')
		return NOT_WHAT;
	len = (size_t)(dot - what);
	if (what[0] == '{')
		why = parse_pattern(app, what, len, dependency);
	else if (memchr(what, '.', len) != NULL ||
		 memchr(what, '{', len) != NULL)
		return NOT_WHAT;
	else
		dependency->id = strndup(what, len);
	if (why == NULL && strpbrk(dot, "@{}\"") != NULL)
		why = "has a property with an @, a brace or a quote";
	dependency->what = strdup(what);
	dependency->property = strdup(dot + 1);
	if (why == NULL &&
	    (dependency->id == NULL || dependency->what == NULL ||
		dependency->property == NULL))
		why = "does not fit into memory";
	return why;
}

void
app_dependency_clear(struct dependency *dependency)
{
	free(dependency->what);
	free(dependency->id);
	free(dependency->property);
	free(dependency->mark);
	memset(dependency, 0, sizeof(*dependency));
}

/* Dependencies come first and next to each other, and each says what it is:
 * one that does not would silently not be there. */
static void
check_marks(struct app *app, const char *function,
    const char *const marks[PH_DEPENDENCIES_MAX])
{
	static const char known[] =
	    PH_MARK_OUTPUT_ PH_MARK_INPUT_ PH_MARK_STATE_ PH_MARK_DUPLICATE_
		PH_MARK_INPUT_OPTIONAL_ PH_MARK_STATE_OPTIONAL_;
	int count = PH_DEPENDENCIES_MAX;
	int i;

	while (count > 0 && marks[count - 1] == NULL)
		count--;
	for (i = 0; i < count; i++) {
		if (marks[i] == NULL)
			(void)buf_printf(&app->problems,
			    "ph_callback(%s): dependency %d of %d is NULL\n",
			    function, i + 1, count);
		else if (marks[i][0] == '\0' ||
			 strchr(known, marks[i][0]) == NULL)
			(void)buf_printf(&app->problems,
			    "ph_callback(%s): \"%s\" is an output, an input or "
			    "a state? Write PH_OUTPUT(\"%s\") or the like\n",
			    function, marks[i], marks[i]);
	}
}

/* Collect the dependencies with one of `kinds` into `list`; how many. */
static uint32_t
dependencies_add(struct app *app, const char *function,
    const char *const marks[PH_DEPENDENCIES_MAX], const char *kinds,
    struct dependency *list)
{
	const char *why;
	uint32_t count = 0;
	int i;

	for (i = 0; i < PH_DEPENDENCIES_MAX; i++) {
		if (marks[i] == NULL || marks[i][0] == '\0' ||
		    strchr(kinds, marks[i][0]) == NULL)
			continue;
		why = app_parse_dependency(app, marks[i] + 1, &list[count]);
		if (why != NULL) {
			(void)buf_printf(&app->problems,
			    "ph_callback(%s): \"%s\"%s %s\n", function,
			    marks[i] + 1, marks[i][1] == '{' ? ":" : "", why);
			app_dependency_clear(&list[count]);
			continue;
		}
		list[count].duplicate = marks[i][0] == *PH_MARK_DUPLICATE_;
		list[count].optional =
		    marks[i][0] == *PH_MARK_INPUT_OPTIONAL_ ||
		    marks[i][0] == *PH_MARK_STATE_OPTIONAL_;
		count++;
	}
	return count;
}

/* Hexadecimal digits that differ when function or inputs do. */
static void
digest_inputs(const struct callback *callback, char out[33])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	struct buf text = BUF_EMPTY;
	uint32_t i;

	(void)buf_puts(&text, callback->function);
	for (i = 0; i < callback->arg_count; i++)
		(void)buf_printf(&text, "\n%s.%s", callback->inputs[i].id,
		    callback->inputs[i].property);
	(void)SHA256((const unsigned char *)text.data, text.len, digest);
	buf_free(&text);
	for (i = 0; i < 16; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* The dispatch key: "id.prop", "..a.b...c.d.." for several outputs, and for
 * none a text that no other callback has. */
static char *
output_key(struct callback *callback)
{
	struct buf key = BUF_EMPTY;
	struct dependency *output;
	char unique[34] = "@";
	size_t len;
	uint32_t i;

	digest_inputs(callback, unique + 1);
	if (callback->output_count == 0)
		(void)buf_printf(&key, "_none_%s_%s", callback->function,
		    unique + 1);
	if (callback->several)
		(void)buf_putl(&key, "..");
	for (i = 0; i < callback->output_count; i++) {
		output = &callback->outputs[i];
		if (output->duplicate)
			output->mark = strdup(unique);
		(void)buf_printf(&key, "%s%s.%s%s", i > 0 ? "..." : "",
		    output->id, output->property,
		    output->mark != NULL ? output->mark : "");
	}
	if (callback->several)
		(void)buf_putl(&key, "..");
	if (buf_cstr(&key) == NULL || !buf_ok(&key)) {
		buf_free(&key);
		return NULL;
	}
	return buf_detach(&key, &len);
}

/* The values come from PH_APP() itself, so they are in the app's arena. */
static bool
running_init(struct app *app, struct callback *callback,
    const struct ph_while *list)
{
	struct dependency parsed;
	struct buf what = BUF_EMPTY;
	struct running *running;
	const char *why;
	uint32_t count = 0;

	while (list != NULL && list[count].what != NULL)
		count++;
	callback->running = arena_calloc(&app->arena, count, sizeof(*running));
	for (; callback->running != NULL && count > 0; count--, list++) {
		memset(&parsed, 0, sizeof(parsed));
		why = app_parse_dependency(app, list->what, &parsed);
		if (why != NULL)
			(void)buf_printf(&app->problems,
			    "ph_callback(%s): .running: \"%s\" %s\n",
			    callback->function, list->what, why);
		else
			(void)buf_printf(&what, "%s.%s", parsed.id,
			    parsed.property);
		running = &callback->running[callback->running_count++];
		running->given =
		    arena_strndup(&app->arena, list->what, strlen(list->what));
		running->on = host_take(list->on);
		running->off = host_take(list->off);
		running->what = arena_strndup(&app->arena,
		    what.data != NULL ? what.data : "", what.len);
		buf_clear(&what);
		app_dependency_clear(&parsed);
	}
	buf_free(&what);
	return callback->running != NULL;
}

/* A list of "id.property" with values: .progress. */
static void
progress_init(struct app *app, struct callback *callback,
    const struct ph_member *list)
{
	struct dependency parsed;
	struct running *item;
	struct buf what = BUF_EMPTY;
	const char *why;
	uint32_t count = 0;

	while (list != NULL && list[count].name != NULL)
		count++;
	callback->progress = arena_calloc(&app->arena, count, sizeof(*item));
	for (; callback->progress != NULL && count > 0; count--, list++) {
		memset(&parsed, 0, sizeof(parsed));
		why = app_parse_dependency(app, list->name, &parsed);
		if (why != NULL)
			(void)buf_printf(&app->problems,
			    "ph_callback(%s): .progress: \"%s\" %s\n",
			    callback->function, list->name, why);
		else
			(void)buf_printf(&what, "%s.%s", parsed.id,
			    parsed.property);
		item = &callback->progress[callback->progress_count++];
		item->given =
		    arena_strndup(&app->arena, list->name, strlen(list->name));
		item->off = list->value != NULL ? host_take(list->value) : NULL;
		item->what = arena_strndup(&app->arena,
		    what.data != NULL ? what.data : "", what.len);
		buf_clear(&what);
		app_dependency_clear(&parsed);
	}
	buf_free(&what);
}

static void
cancel_init(struct app *app, struct callback *callback, const char *const *list)
{
	const char *why;
	uint32_t count = 0;
	uint32_t i;

	while (list != NULL && list[count] != NULL)
		count++;
	callback->cancel =
	    arena_calloc(&app->arena, count, sizeof(*callback->cancel));
	for (i = 0; callback->cancel != NULL && i < count; i++) {
		why = app_parse_dependency(app, list[i], &callback->cancel[i]);
		if (why == NULL && callback->cancel[i].pattern != NULL)
			why = "is a pattern, which cannot cancel";
		if (why != NULL)
			(void)buf_printf(&app->problems,
			    "ph_callback(%s): .cancel: \"%s\" %s\n",
			    callback->function, list[i], why);
		callback->cancel_count++;
	}
}

static void
background_init(struct app *app, struct callback *callback,
    const struct ph_callback_options *options)
{
	callback->background = options->background;
	app->has_background |= options->background;
	callback->interval = options->interval > 0 ? options->interval : 1;
	progress_init(app, callback, options->progress);
	cancel_init(app, callback, options->cancel);
	/* A result that nobody else can ask for is soon of no use. */
	if (options->background && !options->memoize && options->timeout == 0)
		callback->computation.timeout = BACKGROUND_KEEP;
}

static bool
is_patterned(const struct callback *callback)
{
	uint32_t i;

	for (i = 0; i < callback->output_count; i++) {
		if (callback->outputs[i].pattern != NULL)
			return true;
	}
	for (i = 0; i < callback->arg_count; i++) {
		if (callback->inputs[i].pattern != NULL)
			return true;
	}
	return false;
}

static bool
callback_init(struct app *app, struct callback *callback, ph_function *function,
    const char *name, const struct ph_callback_options *options)
{
	/* The first members are pointers one after the other. */
	const char *marks[PH_DEPENDENCIES_MAX];
	struct buf full = BUF_EMPTY;
	size_t len;

	_Static_assert(offsetof(struct ph_callback_options, d31) ==
			   (PH_DEPENDENCIES_MAX - 1) * sizeof(char *),
	    "dependencies are contiguous");
	memcpy(marks, options, sizeof(marks));
	if (options->ph_too_many_ != NULL)
		(void)buf_printf(&app->problems,
		    "ph_callback(%s): more than %d outputs, inputs and states "
		    "together\n",
		    name, PH_DEPENDENCIES_MAX);
	callback->outputs =
	    calloc(PH_DEPENDENCIES_MAX, sizeof(struct dependency));
	callback->inputs =
	    calloc(PH_DEPENDENCIES_MAX, sizeof(struct dependency));
	callback->function = strdup(name);
	if (callback->outputs == NULL || callback->inputs == NULL ||
	    callback->function == NULL)
		return false;
	check_marks(app, name, marks);
	callback->output_count = dependencies_add(app, name, marks,
	    PH_MARK_OUTPUT_ PH_MARK_DUPLICATE_, callback->outputs);
	callback->input_count = dependencies_add(app, name, marks,
	    PH_MARK_INPUT_ PH_MARK_INPUT_OPTIONAL_, callback->inputs);
	callback->arg_count = callback->input_count +
			      dependencies_add(app, name, marks,
				  PH_MARK_STATE_ PH_MARK_STATE_OPTIONAL_,
				  callback->inputs + callback->input_count);
	callback->several = callback->output_count > 1;
	callback->patterned = is_patterned(callback);
	callback->output = output_key(callback);
	callback->memoize = options->memoize;
	callback->prevent_initial_call = options->prevent_initial_call;
	callback->initial_duplicate = options->initial_duplicate;
	callback->on_error = options->on_error;
	callback->computation.run = function;
	callback->computation.timeout = options->timeout;
	callback->computation.stale = options->stale;
	callback->computation.version = options->version;
	callback->output_len =
	    callback->output != NULL ? strlen(callback->output) : 0;
	if (callback->output == NULL ||
	    !running_init(app, callback, options->running))
		return false;
	background_init(app, callback, options);
	(void)buf_printf(&full, "callback:%s", callback->output);
	if (buf_cstr(&full) != NULL)
		callback->computation.name = buf_detach(&full, &len);
	return callback->computation.name != NULL;
}

static struct callback *
callback_add(struct app *app, ph_function *function, const char *name,
    const struct ph_callback_options *options)
{
	struct callback *callback = calloc(1, sizeof(*callback));
	struct callback **list = NULL;

	if (callback != NULL)
		list = realloc(app->callbacks,
		    (app->callback_count + 1) * sizeof(struct callback *));
	if (list == NULL) {
		(void)buf_printf(&app->problems, "ph_callback(%s): no memory\n",
		    name);
		free(callback);
		return NULL;
	}
	app->callbacks = list;
	list[app->callback_count++] = callback;
	app_check_callback(app, name, options);
	if (!callback_init(app, callback, function, name, options))
		(void)buf_printf(&app->problems, "ph_callback(%s): no memory\n",
		    name);
	return callback;
}

/*
 * The options as this server knows them, from an app that may be older: what
 * its struct does not have yet is zero. Who adds a member adds a line here.
 */
static struct ph_callback_options
read_options(const struct app *app, const struct ph_callback_options *theirs)
{
	struct ph_callback_options mine = { .memoize = false };
	size_t size = sizeof(mine);

	if (app->abi_minor < 3)
		size = offsetof(struct ph_callback_options, initial_duplicate);
	memcpy(&mine, theirs, size);
	return mine;
}

void
app_define_callback(struct ph_app *ph, ph_function *function, const char *name,
    const struct ph_callback_options *theirs)
{
	struct app *app = (struct app *)(void *)ph;
	struct ph_callback_options options = read_options(app, theirs);

	if (function == NULL)
		(void)buf_printf(&app->problems,
		    "ph_callback(%s): the function is NULL\n", name);
	(void)callback_add(app, function, name, &options);
}

/* The front end names the jobs to end in the request of any callback that
 * has the input; this one is there for nothing else. */
static void
add_cancel(struct app *app, const struct dependency *cancel)
{
	struct ph_callback_options options = { .prevent_initial_call = true };
	struct callback *callback;
	char *output = NULL;
	char *input = NULL;
	size_t i;

	for (i = 0; i < app->callback_count; i++) {
		callback = app->callbacks[i];
		if (callback->cancels &&
		    strcmp(callback->inputs[0].what, cancel->what) == 0)
			return;
	}
	if (asprintf(&output, PH_MARK_DUPLICATE_ "%s.id", cancel->id) > 0 &&
	    asprintf(&input, PH_MARK_INPUT_ "%s", cancel->what) > 0) {
		options.d0 = output;
		options.d1 = input;
		callback = callback_add(app, job_nothing, "cancel", &options);
		if (callback != NULL)
			callback->cancels = true;
	}
	free(output);
	free(input);
}

void
app_define_cancels(struct app *app)
{
	size_t count = app->callback_count;
	uint32_t j;
	size_t i;

	for (i = 0; i < count; i++) {
		for (j = 0; j < app->callbacks[i]->cancel_count; j++)
			if (app->callbacks[i]->cancel[j].id != NULL)
				add_cancel(app, &app->callbacks[i]->cancel[j]);
	}
}

/* "namespace.function", and nothing else in it? */
static bool
is_name(const char *source)
{
	size_t space = strspn(source, NAME_LETTERS);

	return space > 0 && source[space] == '.' && source[space + 1] != '\0' &&
	       source[space + 1 + strspn(source + space + 1, NAME_LETTERS)] ==
		   '\0';
}

/* The text behind blanks and comments. */
static const char *
skip_comments(const char *at)
{
	const char *end;

	for (;;) {
		at += strspn(at, " \t\r\n");
		if (strncmp(at, "//", 2) == 0)
			end = strchrnul(at, '\n');
		else if (strncmp(at, "/*", 2) == 0)
			end = strstr(at + 2, "*/");
		else
			return at;
		if (end == NULL)
			return "";
		at = *end == '*' ? end + 2 : end;
	}
}

/* Does it begin as a function does: function(, async, (a, b) =>, a => ? */
static bool
is_function(const char *source)
{
	const char *at = skip_comments(source);
	size_t len = strspn(at, NAME_LETTERS);

	if (*at == '(')
		return true;
	if ((len == 8 && memcmp(at, "function", len) == 0) ||
	    (len == 5 && memcmp(at, "async", len) == 0))
		return true;
	return len > 0 && strncmp(skip_comments(at + len), "=>", 2) == 0;
}

/* What would end the script element, or change how its end is found. */
static const char *
forbidden_text(const char *source)
{
	static const char *const texts[] = { "</script", "<script", "<!--" };
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcasestr(source, texts[i]) != NULL)
			return texts[i];
	}
	return NULL;
}

void
app_define_clientside(struct ph_app *ph, const char *source,
    const struct ph_callback_options *theirs)
{
	struct app *app = (struct app *)(void *)ph;
	const struct ph_callback_options read = read_options(app, theirs);
	const struct ph_callback_options *options = &read;
	struct callback *callback;
	const char *text;
	const char *dot;
	char name[24];

	if (source == NULL)
		source = "";
	text = forbidden_text(source);
	if (text != NULL || *source == '\0')
		(void)buf_printf(&app->problems,
		    "ph_clientside(\"%.40s\"): the function %s%s\n", source,
		    text != NULL ? "must not contain " : "is missing",
		    text != NULL ? text : "");
	else if (!is_name(source) && !is_function(source))
		(void)buf_printf(&app->problems,
		    "ph_clientside(\"%.40s\"): neither "
		    "\"namespace.function\" nor a function\n",
		    source);
	app_check_clientside(app, source, options);
	(void)snprintf(name, sizeof(name), "clientside_%zu",
	    app->callback_count + 1);
	callback = callback_add(app, NULL, name, options);
	if (callback == NULL)
		return;
	if (is_name(source)) {
		dot = strchr(source, '.');
		callback->client_space =
		    arena_strndup(&app->arena, source, (size_t)(dot - source));
		callback->client_name =
		    arena_strndup(&app->arena, dot + 1, strlen(dot + 1));
		return;
	}
	callback->client_space = INLINE_SPACE;
	callback->client_name = arena_strndup(&app->arena, name, strlen(name));
	callback->client_source =
	    arena_strndup(&app->arena, source, strlen(source));
}
