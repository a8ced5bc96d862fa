/* SPDX-License-Identifier: MIT */

/*
 * Development mode. See debug.h.
 *
 * The front end's panel shows the body of a failed callback: in a frame when
 * it begins with a doctype, styled for the class names used here.
 */
#include "worker/debug.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/fd.h"
#include "worker/json_write.h"
#include "worker/site_int.h"

#define NOTICE_MAX ((size_t)256 * 1024)

#define PAGE_BEGIN                                          \
	"<!doctype html><html><head><title>callback failed" \
	"</title></head><body><div class=\"debugger\">"     \
	"<h1>"
#define PAGE_MESSAGE "</h1><div class=\"detail\"><p class=\"errormsg\">"
#define PAGE_TRACE                                                \
	"</p></div><h2 class=\"traceback\">Where</h2><div class=" \
	"\"plain\"><pre>"

const char debug_crash_head[] =
    "HTTP/1.1 500 Internal Server Error\r\n"
    "Content-Type: text/html; charset=utf-8\r\n"
    "Cache-Control: no-store\r\nConnection: close\r\n\r\n" PAGE_BEGIN
    "The worker crashed" PAGE_MESSAGE;

void
debug_error_page(const char *what, const char *why, const char *more,
    struct buf *out)
{
	(void)buf_putl(out, PAGE_BEGIN);
	site_escape_html(what, out);
	(void)buf_putl(out, " failed" PAGE_MESSAGE);
	site_escape_html(what, out);
	(void)buf_putl(out, ": ");
	site_escape_html(why, out);
	(void)buf_putl(out, PAGE_TRACE);
	site_escape_html(what, out);
	(void)buf_putl(out, ": ");
	site_escape_html(why, out);
	if (more != NULL) {
		(void)buf_putc(out, '\n');
		site_escape_html(more, out);
	}
	(void)buf_putl(out, "</pre></div></div></body></html>\n");
}

/* The text of the notice, or NULL. The caller frees. */
static char *
read_notice(const struct worker_options *options)
{
	char *text = NULL;
	size_t len;

	if (options->debug_notice[0] == '\0' ||
	    fd_read_file(options->debug_notice, NOTICE_MAX, &text, &len) < 0)
		return NULL;
	if (len > 0)
		return text;
	free(text);
	return NULL;
}

/* 16 hexadecimal digits. */
void
debug_hash(const struct buf *text, char out[DEBUG_HASH_MAX])
{
	unsigned char bytes[SHA256_DIGEST_LENGTH];
	int i;

	(void)SHA256((const unsigned char *)text->data, text->len, bytes);
	for (i = 0; i < 8; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* What is current. */
struct hashes {
	char document[DEBUG_HASH_MAX]; /* with assets */
	char all[DEBUG_HASH_MAX];      /* and the app's code */
	char notice[DEBUG_HASH_MAX];   /* "": there is none */
};

/*
 * Whoever writes the notice also has the server reload when assets change;
 * else they count as they are on disk.
 */
static void
hash_all(const struct app *app, const struct worker_options *options,
    const struct site *site, const char *notice, struct hashes *out)
{
	struct buf all = BUF_EMPTY;

	(void)buf_puts(&all, site->document);
	if (options->debug_notice[0] == '\0')
		static_put_state(site->assets, &all);
	debug_hash(&all, out->document);
	(void)buf_puts(&all, app->fingerprint);
	debug_hash(&all, out->all);
	buf_free(&all);
	out->notice[0] = '\0';
	if (notice == NULL)
		return;
	(void)buf_puts(&all, notice);
	debug_hash(&all, out->notice);
	buf_free(&all);
}

void
debug_made(struct site *site, const struct app *app)
{
	struct buf all = BUF_EMPTY;

	(void)buf_printf(&all, "%s%s", site->document, app->fingerprint);
	debug_hash(&all, site->made);
	buf_free(&all);
	(void)buf_printf(&site->made_line, "X-Pronghorn-Made: %s\r\n",
	    site->made);
}

/* The line that `at` is in. */
static struct http_span
line_of(const char *text, const char *at)
{
	while (at > text && at[-1] != '\n')
		at--;
	return (struct http_span){ at, strcspn(at, "\n") };
}

/*
 * Where the macro that the error at `error` is in was used: gcc tells of each
 * step out of it, the last of them in the source of whoever wrote it. Absent:
 * it is in none. (clang names that place at once.)
 */
static struct http_span
place_of_use(const char *notice, const char *error)
{
	static const char note[] = ": note: in expansion of macro";
	struct http_span place = { NULL, 0 };
	const char *next = strstr(error + 1, "error:");
	const char *at = error;

	while ((at = strstr(at + 1, note)) != NULL &&
	       (next == NULL || at < next)) {
		place = line_of(notice, at);
		place.len = (size_t)(at - place.data);
	}
	return place;
}

void
debug_headline(const char *notice, struct buf *out)
{
	const char *error = strstr(notice, "error:");
	const char *missing = strstr(notice, "undefined reference to");
	struct http_span line;
	struct http_span place;
	size_t skip;

	/* The linker's own error is only that it has found some. */
	if (missing != NULL && (error == NULL || missing < error))
		error = missing;
	line = line_of(notice, error != NULL ? error : notice);
	place = error != NULL ? place_of_use(notice, error)
			      : (struct http_span){ NULL, 0 };
	if (place.data != NULL) {
		(void)buf_put(out, place.data, place.len);
		(void)buf_putl(out, ": ");
		line.len -= (size_t)(error - line.data);
		line.data = error;
	}
	(void)buf_put(out, line.data, line.len);
	if (error != NULL || line.len == 0 || line.data[line.len - 1] != ':' ||
	    line.data[line.len] == '\0')
		return;
	/* "... is not valid:", and why. */
	line = line_of(notice, line.data + line.len + 1);
	skip = strspn(line.data, " ");
	(void)buf_putc(out, ' ');
	(void)buf_put(out, line.data + skip, line.len - skip);
}

static void
put_notice(const char *notice, struct buf *out)
{
	struct buf title = BUF_EMPTY;
	struct buf page = BUF_EMPTY;

	debug_headline(notice, &title);
	(void)buf_putl(&page,
	    "<!doctype html><html><head><title>not up to date</title></head>"
	    "<body><div class=\"debugger\"><h1>What was saved last is not on "
	    "this page");
	(void)buf_putl(&page, PAGE_MESSAGE);
	if (buf_cstr(&title) != NULL)
		site_escape_html(title.data, &page);
	(void)buf_putl(&page, PAGE_TRACE);
	site_escape_html(notice, &page);
	(void)buf_putl(&page, "</pre></div></div></body></html>\n");
	(void)buf_putl(out, ",\"title\":");
	if (json_write_text(title.data, title.len, out) < 0)
		(void)buf_putl(out, "\"The app does not compile\"");
	(void)buf_putl(out, ",\"html\":");
	if (json_write_text(page.data, page.len, out) < 0)
		(void)buf_putl(out, "\"The log has it: it is not UTF-8.\"");
	buf_free(&title);
	buf_free(&page);
}

void
debug_reload_json(const struct app *app, const struct worker_options *options,
    const struct site *site, bool full, struct buf *out)
{
	char *notice = read_notice(options);
	struct hashes now;

	hash_all(app, options, site, notice, &now);
	(void)buf_printf(out,
	    "{\"reloadHash\":\"%s\",\"hard\":false,\"packages\":["
	    "\"pronghorn\",\"%s\"],\"files\":[],\"made\":\"%s\","
	    "\"notice\":\"%s\"",
	    now.all, now.document, site->made, now.notice);
	if (full && notice != NULL)
		put_notice(notice, out);
	(void)buf_putc(out, '}');
	free(notice);
}

/*
 * The front end compares hashes from its first answer on. What changes before
 * that it would miss, so the script compares that one with what the page was
 * made of, and with what it has itself shown.
 *
 * The notice is no part of those hashes: it comes into the panel of the page as
 * that stands, and to take it out again all that the page shows is made anew,
 * which the front end has an action for; a document that is loaded again would
 * take several times as long. When the app is another one, too, the front end
 * does that itself. What is wrong still stays in the panel then: whatever the
 * front end forgets is put there again.
 *
 * After a swap the front end asks for layout and callbacks anew, and the old
 * app may answer that. So the script sees to what they were made of, too: if
 * that stays another thing than the server's for five looks, the page loads
 * itself again. It cannot do so forever: the old workers end.
 */
static const char script_rest[] =
    "};if(document.currentScript.src.split('?')[1]!==now.page){"
    "location.reload();return}"
    "const send=window.fetch,made={};"
    "let settled='',pending=0,wrong=0,looking=null;"
    "let code=now.all,notice='',error=null;"
    "const put=()=>{if(error&&window.store&&"
    "!window.store.getState().error.backEnd.some(one=>one.error===error))"
    "window.store.dispatch({type:'ON_ERROR',payload:{type:'backEnd',error}})};"
    "const hold=from=>{notice=from.notice;"
    "error=notice?{message:from.title,html:from.html}:null;put()};"
    "const tell=async(args,next)=>{"
    "const same=next.reloadHash===code;code=next.reloadHash;"
    "if(next.notice===notice)return;"
    "const stood=error;let full=next;"
    "if(next.notice){const answer=await send(`${args[0]}?notice`);"
    "if(!answer.ok)return;full=await answer.json()}"
    "error=null;"
    "if(stood&&same)window.store.dispatch({type:'RELOAD'});"
    "hold(full)};"
    "const ask=async args=>{const answer=await send.apply(window,args);"
    "return{answer,text:answer.ok?await answer.clone().text():settled}};"
    "const judge=({made:wanted})=>{"
    "wrong=!pending&&Object.values(made).some(one=>one&&one!==wanted)?"
    "wrong+1:0;if(wrong===5)location.reload()};"
    "const look=async args=>{let found=await ask(args),same=0;"
    "while(found.text!==settled&&same<2){"
    "await new Promise(done=>setTimeout(done,25));"
    "const next=await ask(args);"
    "same=next.text===found.text?same+1:0;found=next}"
    "settled=found.text;if(found.answer.ok){const next=JSON.parse(settled);"
    "judge(next);await tell(args,next)}return found.answer};"
    "const part=async(name,args)=>{pending++;try{"
    "const answer=await send.apply(window,args);"
    "made[name]=answer.headers.get('x-pronghorn-made');return answer}"
    "finally{pending--;wrong=0}};"
    "window.fetch=async(...args)=>{const url=String(args[0]?.url??args[0]);"
    "const name=/_dash-(layout|dependencies)$/.exec(url);"
    "if(name)return part(name[1],args);"
    "if(!/_reload-hash$/.test(url))return send.apply(window,args);"
    "looking=looking??look(args).finally(()=>looking=null);"
    "return(await looking).clone()};"
    "const begin=()=>{const store=window.store;"
    "if(!store){setTimeout(begin,20);return}"
    "hold(now);store.subscribe(put);"
    "const end=store.subscribe(()=>{"
    "const seen=store.getState().reloadRequest?.content?.reloadHash;"
    "if(!seen)return;end();if(seen!==now.all)location.reload()})};"
    "begin()})();\n";

void
debug_script(const struct app *app, const struct worker_options *options,
    const struct site *site, struct buf *out)
{
	char *notice = read_notice(options);
	struct hashes now;

	hash_all(app, options, site, notice, &now);
	(void)buf_printf(out,
	    "(()=>{const now={page:\"%s\",all:\"%s\",notice:\"%s\"",
	    site->document, now.all, now.notice);
	if (notice != NULL)
		put_notice(notice, out);
	(void)buf_puts(out, script_rest);
	free(notice);
}
