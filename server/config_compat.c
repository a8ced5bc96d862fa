/* SPDX-License-Identifier: MIT */

/*
 * Settings of gunicorn and Flask-Caching that have no row: each is met with
 * one clear sentence and never silently dropped. What is switched off anyway
 * (None, False, 0, "off", empty) says nothing, as nothing is lost. Values are
 * never shown: some of these hold passwords.
 */
#include "server/config_int.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "server/base/err.h"

static bool
is_off_text(const char *text)
{
	return text[0] == '\0' || strcmp(text, "0") == 0 ||
	       strcasecmp(text, "off") == 0;
}

static bool
is_off(const struct literal *value)
{
	switch (value->kind) {
	case LITERAL_NONE:
		return true;
	case LITERAL_BOOL:
		return !value->truth;
	case LITERAL_INT:
		return value->integer == 0;
	case LITERAL_TEXT:
		return is_off_text(value->text);
	case LITERAL_LIST:
	case LITERAL_DICT:
		return value->count == 0;
	case LITERAL_FLOAT:
		break;
	}
	return false;
}

/* A Python callable (module:name) can never be the .so that `app` names. */
static bool
is_library(const struct literal *value, const char *text)
{
	if (value != NULL)
		text = value->kind == LITERAL_TEXT ? value->text : "";
	return text != NULL && strstr(text, ".so") != NULL;
}

int
config_compat_apply(struct config *config, const struct config_compat *compat,
    const char *origin, const struct literal *value, const char *text,
    const struct config_row **target, struct buf *why)
{
	enum config_compat_kind kind = compat->kind;

	*target = NULL;
	if ((value != NULL && is_off(value)) ||
	    (text != NULL && is_off_text(text)))
		return 0;
	if (kind == COMPAT_ROOT)
		kind = geteuid() == 0 ? COMPAT_UNSAFE : COMPAT_IGNORED;
	switch (kind) {
	case COMPAT_RENAMED:
		if (strcmp(compat->advice, "app") != 0 ||
		    is_library(value, text)) {
			*target = config_row_find(compat->advice);
			config_warn(config, "%s: %s is named %s here", origin,
			    compat->name, compat->advice);
		} else {
			config_warn(config,
			    "%s: %s is ignored: a Python callable cannot be "
			    "served; set %s = \"path/app.so\"",
			    origin, compat->name, compat->advice);
		}
		break;
	case COMPAT_NOT_YET:
		config_warn(config, "%s: %s is not supported yet: %s", origin,
		    compat->name, compat->advice);
		break;
	case COMPAT_UNSAFE:
		(void)buf_printf(why, "%s: %s is not supported: %s", origin,
		    compat->name, compat->advice);
		return ERR_UNKNOWN;
	case COMPAT_IGNORED:
	case COMPAT_ROOT:
		config_warn(config, "%s: %s is ignored: %s", origin,
		    compat->name, compat->advice);
		break;
	}
	return 0;
}
