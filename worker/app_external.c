/* SPDX-License-Identifier: MIT */

/*
 * Scripts and stylesheets of other servers in the app's page, as finished
 * elements of the document. What the page's policy has to allow for them is
 * read from the document itself, see guard_source.c.
 *
 * THREADS  The loading thread.
 */
#include <stddef.h>
#include <string.h>

#include <pronghorn/pages.h>

#include "worker/app.h"
#include "worker/site_int.h"

/* NULL, or what is wrong with it. */
static const char *
check_url(const char *url)
{
	const char *at;

	if (url == NULL || url[0] == '\0')
		return "the address is empty";
	if (strncmp(url, "https://", 8) != 0 &&
	    strncmp(url, "http://", 7) != 0 && url[0] != '/')
		return "an address starts with https://, http:// or /: files "
		       "of "
		       "one's own belong into the assets folder";
	for (at = url; *at != '\0'; at++) {
		if ((unsigned char)*at <= ' ' || (unsigned char)*at > '~' ||
		    strchr("\"'<>;,\\", *at) != NULL)
			return "an address has no blanks, quotes, ';', ',', "
			       "'<' or '>': write them as %20 and so on";
	}
	return NULL;
}

static void
put_attribute(const char *name, const char *value, struct buf *out)
{
	if (value == NULL)
		return;
	(void)buf_printf(out, " %s=\"", name);
	site_escape_html(value, out);
	(void)buf_putc(out, '"');
}

void
app_define_external(struct ph_app *ph, enum ph_external_kind kind,
    const char *url, const struct ph_external_options *options)
{
	struct app *app = (struct app *)(void *)ph;
	bool script = kind == PH_EXTERNAL_SCRIPT;
	const char *wrong = check_url(url);
	struct buf *out = script ? &app->scripts : &app->stylesheets;
	const char *origin = options->crossorigin;

	if (wrong != NULL) {
		(void)buf_printf(&app->problems, "ph_external_%s(\"%s\"): %s\n",
		    script ? "script" : "stylesheet", url != NULL ? url : "",
		    wrong);
		return;
	}
	/* Without it a browser cannot compare the hash. */
	if (options->integrity != NULL && origin == NULL)
		origin = "anonymous";
	(void)buf_puts(out, script ? "<script" : "<link rel=\"stylesheet\"");
	put_attribute(script ? "src" : "href", url, out);
	put_attribute("integrity", options->integrity, out);
	put_attribute("crossorigin", origin, out);
	put_attribute("type", options->type, out);
	put_attribute("media", options->media, out);
	(void)buf_puts(out, options->defer ? " defer" : "");
	(void)buf_puts(out, script ? "></script>\n      " : ">\n        ");
}
