/* SPDX-License-Identifier: MIT */
#ifndef WORKER_HOST_DATA_H
#define WORKER_HOST_DATA_H

#include <pronghorn/data.h>

#include "worker/data.h"
#include "worker/host.h"

/* The other side of <pronghorn/data.h>. */
extern const struct ph_data_host host_data_table;

/* data_csv.c */
const struct ph_value *host_read_csv(struct ph_call *call,
    const struct ph_csv_options *options);
enum ph_status host_import_csv(struct ph_call *call, const char *table,
    const struct ph_csv_options *options);

/* data_page.c */
const struct ph_value *host_table_page(struct ph_call *call, const char *table,
    const struct ph_table_page_options *options);

/* moment.c: see ph_time() and ph_time_of() */
#define MOMENT_TEXT 32
void moment_print(double seconds, char text[MOMENT_TEXT]);
double moment_parse(const char *text);

#endif
