/* SPDX-License-Identifier: MIT */

/* A CSV file into a database at the first start: CSV_FILE. */
#include <stdlib.h>

#include <pronghorn/app.h>
#include <pronghorn/html.h>

static enum ph_status
create(struct ph_call *call)
{
	return ph_import_csv(call, "rows", .path = getenv("CSV_FILE"));
}

static enum ph_status
sums(struct ph_call *call)
{
	return ph_respond_json(call, 200,
	    ph_query(call,
		"SELECT count(*) AS n, sum(id) AS ids, sum(price) AS price, "
		"sum(price IS NULL) AS missing, count(DISTINCT name) AS names, "
		"typeof(id) AS t FROM rows"));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_p(.id = "out");
}

PH_APP(app)
{
	ph_layout(app, layout);
	ph_database(app, "rows", .create = create, .version = 1);
	ph_route(app, "GET", "/sums", sums);
}
