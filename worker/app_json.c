/* SPDX-License-Identifier: MIT */

/*
 * The definition as the browser wants it: the dependency list, and the
 * inline functions of clientside callbacks.
 *
 * THREADS  Any; the app does not change any more.
 */
#include <errno.h>
#include <string.h>

#include "worker/app.h"
#include "worker/json_write.h"
#include "worker/pages.h"

static void
put_text(const char *text, struct buf *out)
{
	if (json_write_text(text, strlen(text), out) < 0)
		(void)buf_putl(out, "\"\"");
}

static void
put_dependencies(const struct dependency *list, uint32_t count, struct buf *out)
{
	uint32_t i;

	(void)buf_putc(out, '[');
	for (i = 0; i < count; i++) {
		(void)buf_puts(out, i > 0 ? ",{\"id\":" : "{\"id\":");
		put_text(list[i].id, out);
		(void)buf_putl(out, ",\"property\":");
		put_text(list[i].property, out);
		if (list[i].optional)
			(void)buf_putl(out, ",\"allow_optional\":true");
		(void)buf_putc(out, '}');
	}
	(void)buf_putc(out, ']');
}

static void
put_running(const struct callback *callback, bool on, struct buf *out)
{
	const struct running *running = callback->running;
	const char *why;
	uint32_t i;

	for (i = 0; i < callback->running_count; i++, running++) {
		(void)buf_putc(out, i == 0 ? '{' : ',');
		put_text(running->what, out);
		(void)buf_putc(out, ':');
		if (json_write_page(on ? running->on : running->off, NULL, out,
			&why) < 0)
			(void)buf_putl(out, "null");
	}
	(void)buf_putc(out, '}');
}

static const char *
flag(bool value)
{
	return value ? "true" : "false";
}

static void
put_callback(const struct callback *callback, struct buf *out)
{
	(void)buf_putl(out, "{\"output\":");
	put_text(callback->output, out);
	(void)buf_putl(out, ",\"inputs\":");
	put_dependencies(callback->inputs, callback->input_count, out);
	(void)buf_putl(out, ",\"state\":");
	put_dependencies(callback->inputs + callback->input_count,
	    callback->arg_count - callback->input_count, out);
	(void)buf_putl(out, ",\"clientside_function\":");
	if (callback->client_name != NULL) {
		(void)buf_putl(out, "{\"namespace\":");
		put_text(callback->client_space, out);
		(void)buf_putl(out, ",\"function_name\":");
		put_text(callback->client_name, out);
		(void)buf_putc(out, '}');
	} else {
		(void)buf_putl(out, "null");
	}
	if (callback->running_count > 0) {
		(void)buf_putl(out, ",\"running\":{\"running\":");
		put_running(callback, true, out);
		(void)buf_putl(out, ",\"runningOff\":");
		put_running(callback, false, out);
		(void)buf_putc(out, '}');
	}
	(void)buf_printf(out, ",\"prevent_initial_call\":%s,\"background\":",
	    flag(callback->prevent_initial_call));
	if (callback->background)
		(void)buf_printf(out, "{\"interval\":%d}",
		    (int)(callback->interval * 1000));
	else
		(void)buf_putl(out, "null");
	(void)buf_printf(out,
	    ",\"dynamic_creator\":false,\"no_output\":%s,"
	    "\"optional\":%s,\"hidden\":%s,"
	    "\"websocket\":false,\"persistent\":false}",
	    flag(callback->output_count == 0), flag(callback->cancels),
	    flag(callback->cancels || pages_is_own(callback)));
}

int
app_dependencies_json(const struct app *app, struct buf *out)
{
	size_t i;

	(void)buf_putc(out, '[');
	for (i = 0; i < app->callback_count; i++) {
		if (i > 0)
			(void)buf_putc(out, ',');
		put_callback(app->callbacks[i], out);
	}
	(void)buf_putc(out, ']');
	return buf_ok(out) ? 0 : -ENOMEM;
}

/* One element each: a syntax error ends the element that it is in. */
/*
 * Development: where a function should be and is not, as it does not compile,
 * stands one that says so in the error panel. The browser itself tells it only
 * to the console.
 */
static void
put_stand_in(const struct callback *callback, struct buf *out)
{
	(void)buf_printf(out,
	    "<script>(function(){var c=window.dash_clientside="
	    "window.dash_clientside||{};var n=c[\"%s\"]=c[\"%s\"]||{};"
	    "if(typeof n[\"%s\"]==='function')return;var why='ph_clientside() "
	    "for '+",
	    callback->client_space, callback->client_space,
	    callback->client_name);
	put_text(callback->output, out);
	(void)buf_printf(out,
	    "+': '+(window.ph_wrong||'it is no function');n[\"%s\"]="
	    "function(){throw new Error(why)}})();</script>\n      ",
	    callback->client_name);
}

void
app_inline_script(const struct app *app, bool debug, struct buf *out)
{
	const struct callback *callback;
	bool any = false;
	size_t i;

	for (i = 0; i < app->callback_count; i++) {
		callback = app->callbacks[i];
		if (callback->client_source == NULL)
			continue;
		if (debug && !any)
			(void)buf_putl(out,
			    "<script>addEventListener('error',function(e){"
			    "window.ph_wrong=e.message});</script>\n      ");
		any = true;
		(void)buf_printf(out,
		    "<script>(function(){var c=window.dash_clientside="
		    "window.dash_clientside||{};var n=c[\"%s\"]=c[\"%s"
		    "\"]||{};\n",
		    callback->client_space, callback->client_space);
		/* A name that PH_APP() made: letters, digits and _. */
		(void)buf_printf(out, "n[\"%s\"]=(", callback->client_name);
		(void)buf_puts(out, callback->client_source);
		/* The line end closes a comment at the function's end. */
		(void)buf_putl(out, "\n);\n})();</script>\n      ");
		if (debug)
			put_stand_in(callback, out);
	}
}
