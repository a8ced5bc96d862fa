/* SPDX-License-Identifier: MIT */

/* The same rows twice: in a DataTable that filters by itself, and in a database
 * that ph_table_page() filters. */
#include <pronghorn/app.h>
#include <pronghorn/dash_table.h>
#include <pronghorn/html.h>

/* Texts that look like numbers, numbers, whole ones, dates, a letter case of
 * many alphabets; of each kind one is missing. */
static enum ph_status
create(struct ph_call *call)
{
	return ph_exec(call,
	    "CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT, n REAL,"
	    " whole INTEGER, day TEXT, any);"
	    "CREATE INDEX t_n ON t (n); CREATE INDEX t_code ON t (code);"
	    "INSERT INTO t VALUES"
	    " (1, '5', 5, 5, '2026-01-15', 5),"
	    " (2, '015', 15.5, -15, '2026-01-31 10:30', 2026),"
	    " (3, 'abc', -3, 0, '2025-12-31', 4),"
	    " (4, '5.0', 0, 3, '26-01-02', 15),"
	    " (5, '', 1e21, 2026, '', 0),"
	    " (6, 'Abc', 0.1, 4, 'today', -5),"
	    " (7, '\303\211a', 1e-7, 20261, '2026', 21),"
	    " (8, '\303\251a', 2.5, 2, '2026-02-30', 1),"
	    " (9, 'Stra\303\237e', 100000, 15, '2026-1-5', 3),"
	    " (10, '\316\243\316\257\317\203\317\205\317\206\316\277\317\202',"
	    " 4, 9, '2026-01-15T23:59:07.25Z', 8),"
	    " (11, '\320\266\321\221\320\273\321\202', 15, 10, '1999-01', 7),"
	    " (12, '1e2', 123456.789, 11, '99', 6),"
	    " (13, ' 7 ', 7, 12, ' 2026-01-15 ', 2),"
	    " (14, '\t', -0.5, 13, '2024-02-29', 9),"
	    " (15, 'it''s \"x\" `y`', 3, 14, '2023-02-29', 11),"
	    " (16, 'R&D|!', -4, -4, '-0044-03-15', 13),"
	    " (17, NULL, NULL, NULL, NULL, NULL)");
}

static enum ph_status
show_rows(struct ph_call *call)
{
	return ph_respond_json(call, 200,
	    ph_list_of(
		ph_member(ph_table_page(call, "t", .columns = "id",
			      .filter = ph_text(ph_query_arg(call, "filter")),
			      .order = "id"),
		    "id")));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	return html_main(.children = PH_CHILDREN(
			     dash_table_data_table(.id = "native",
				 .data = ph_query(call, "SELECT * FROM t"),
				 .columns = PH_JSON([
					 { "id" : "id", "name" : "Id" },
					 { "id" : "code", "name" : "Code" },
					 { "id" : "n", "name" : "Number" },
					 { "id" : "whole", "name" : "Whole" },
					 { "id" : "day", "name" : "Day" },
					 { "id" : "any", "name" : "Any" }
				 ]),
				 .filter_action = ph_text("native")),
			     html_p(.id = "out")));
}

PH_APP(app)
{
	ph_title(app, "Filters");
	ph_database(app, "filters", .create = create, .version = 1);
	ph_layout(app, layout, .blocking = true);
	ph_route(app, "GET", "/rows", show_rows);
	ph_clientside(app,
	    "function(rows, structure, query) {"
	    " window.passed = { query, rows }; return query; }",
	    PH_OUTPUT("out.children"), PH_INPUT("native.derived_virtual_data"),
	    PH_INPUT("native.derived_filter_query_structure"),
	    PH_STATE("native.filter_query"));
}
