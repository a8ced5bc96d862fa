/* SPDX-License-Identifier: MIT */
#ifndef SERVER_JSON_TEXT_H
#define SERVER_JSON_TEXT_H

#include <cjson/cJSON.h>
#include <stddef.h>

/*
 * The text of a member; "" when there is none, or it is no text. Lives as
 * long as the object. THREADS: any.
 */
static inline const char *
json_text(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(object, name));

	return text != NULL ? text : "";
}

#endif
