/* SPDX-License-Identifier: MIT */
#ifndef WORKER_HOST_H
#define WORKER_HOST_H

#include <pronghorn/app.h>

#include "cache/value.h"
#include "worker/call.h"

/*
 * The functions an app is handed: the other side of <pronghorn/app.h>.
 * An app sees struct value as struct ph_value and struct call as ph_call.
 */
extern const struct ph_host host_table;

static inline const struct ph_value *
host_give(const struct value *value)
{
	return (const struct ph_value *)(const void *)value;
}

static inline const struct value *
host_take(const struct ph_value *value)
{
	return value != NULL ? (const struct value *)(const void *)value
			     : &call_null_value;
}

static inline struct call *
host_call(struct ph_call *call)
{
	return (struct call *)(void *)call;
}

/* host_value.c */
const struct ph_value *host_make_null(void);
const struct ph_value *host_make_bool(bool flag);
const struct ph_value *host_make_int(int64_t integer);
const struct ph_value *host_make_number(double number);
const struct ph_value *host_make_text(const char *text, size_t len);
const struct ph_value *host_make_textf(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
const struct ph_value *host_make_json(const char *json);
const struct ph_value *host_make_list(const struct ph_value *const *items,
    size_t count);
const struct ph_value *host_make_object(const char *const *names,
    const struct ph_value *const *values, size_t count);
const struct ph_value *host_make_component(const struct ph_component_type *type,
    const void *props);
bool host_is_null(const struct ph_value *value);
const char *host_text_of(const struct ph_value *value);
size_t host_text_len_of(const struct ph_value *value);
double host_number_of(const struct ph_value *value);
int64_t host_int_of(const struct ph_value *value);
bool host_bool_of(const struct ph_value *value);
size_t host_count_of(const struct ph_value *value);
const struct ph_value *host_at(const struct ph_value *value, size_t index);
const struct ph_value *host_member(const struct ph_value *value,
    const char *name);

const char *host_make_id(const char *type, const struct ph_value *index);
const struct ph_value *host_make_members(const struct ph_member *members,
    size_t count);
const char *host_name_at(const struct ph_value *value, size_t index);

/* HOST_OBJECT({ "name", value }, ...), as PH_OBJECT() for an app. */
#define HOST_OBJECT(...)                                       \
	host_make_members((struct ph_member[]){ __VA_ARGS__ }, \
	    sizeof((struct ph_member[]){ __VA_ARGS__ }) /      \
		sizeof(struct ph_member))

/* host_context.c */
const struct ph_value *host_triggered(struct ph_call *call);
bool host_triggered_by(struct ph_call *call, const char *what);
const struct ph_value *host_id_of(struct ph_call *call, const char *what);
const char *host_header(struct ph_call *call, const char *name);
const char *host_cookie(struct ph_call *call, const char *name);
const char *host_client(struct ph_call *call);

/* host.c */
const struct ph_value *host_input(struct ph_call *call, const char *what);

/* host_output.c */
enum ph_status host_output(struct ph_call *call, const char *what,
    const struct ph_value *value);
enum ph_status host_output_each(struct ph_call *call, const char *what,
    size_t index, const struct ph_value *value);
enum ph_status host_set_props(struct ph_call *call, const char *id,
    const char *property, const struct ph_value *value);

/* Are these the same "id.property"? Dict ids may be spelled differently. */
/* Is a name there at all? Else the call of `function` is a mistake. */
bool host_is_named(const char *function, const void *name);
/* The same for anything else: `what` is "the figure is" and the like. */
bool host_is_given(const char *function, const char *what, const void *given);

bool host_is_what(struct arena *arena, const struct dependency *dependency,
    const char *what);

/* patch.c */
struct ph_patch *host_patch_new(void);
void host_patch_step(struct ph_patch *patch, enum ph_patch_operation operation,
    const char *path, const struct ph_value *value, int64_t index);
const struct ph_value *host_patch_value(struct ph_patch *patch);

/* figure.c */
enum ph_status host_output_figure(struct ph_call *call, const char *what,
    const struct ph_value *figure, const struct ph_column *columns,
    size_t count);

/* figure_build.c: the other side of <pronghorn/figure.h> */
extern const struct ph_figure_host host_figure_table;

/* memo.c */
const struct ph_value *host_memo(struct ph_call *call, ph_function *function,
    const struct ph_value *const *arguments, size_t count);

/* data_query.c */
const struct ph_value *host_query(struct ph_call *call, const char *sql,
    const struct ph_value *const *arguments, size_t count);
enum ph_status host_exec(struct ph_call *call, const char *sql,
    const struct ph_value *const *arguments, size_t count);

#endif
