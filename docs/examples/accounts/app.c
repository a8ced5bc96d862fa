/* SPDX-License-Identifier: MIT */

/*
 * A site of several pages that knows who is there.
 *
 * Logging in names the user of the session, which also gives the browser a new
 * session id; what is kept in the session is seen by this browser alone, in
 * whichever worker and tab. A page that needs a user shows the way to the login.
 */
#include <string.h>
#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

/* Stands for the place where your users are known. */
static bool
knows(const char *user, const char *password)
{
	return strcmp(user, "ada") == 0 && strcmp(password, "engine") == 0;
}

static const struct ph_value *
home(struct ph_call *call)
{
	return html_h1(.children = ph_user(call)[0] != '\0'
	    ? ph_textf("Good to see you, %s", ph_user(call)) : ph_text("The reading room, open to everybody"));
}

static const struct ph_value *
login(struct ph_call *call)
{
	(void)call;
	return html_div(.children = PH_CHILDREN(
	    html_h1(.children = ph_text("Log in")),
	    html_label(.htmlFor = "user", .children = ph_text("User: ada")),
	    html_p(.children = dcc_input(.id = "user", .type = "text")),
	    html_label(.htmlFor = "password", .children = ph_text("Password: engine")),
	    html_p(.children = dcc_input(.id = "password", .type = "password")),
	    html_button(.id = "login", .children = ph_text("Log in")),
	    html_p(.id = "refused", .role = "alert")));
}

static const struct ph_value *
notes(struct ph_call *call)
{
	if (ph_user(call)[0] == '\0')
		return html_p(.children = PH_CHILDREN(ph_text("This page is for users: "),
		    dcc_link(.href = ph_href("/login"), .children = ph_text("log in"))));
	return html_div(.children = PH_CHILDREN(
	    html_h1(.children = html_label(.htmlFor = "text",
		.children = ph_textf("Notes of %s", ph_user(call)))), dcc_textarea(.id = "text",
		.style = PH_JSON({ "width": "100%" }), .value = ph_text_of(ph_session_get(call, "notes"))),
	    html_button(.id = "keep", .children = ph_text("Keep")), html_p(.id = "kept", .role = "status")));
}

static const struct ph_value *
book(struct ph_call *call)
{
	return html_h1(.children =
	    ph_textf("%s, page %s", ph_path_arg(call, "title"), ph_query_arg(call, "page")));
}

static enum ph_status
log_in(struct ph_call *call)
{
	const char *user = ph_text_of(ph_input(call, "user.value"));

	if (!knows(user, ph_text_of(ph_input(call, "password.value"))))
		return ph_output(call, "refused.children", ph_text("No such user, or not this password"));
	if (!ph_set_user(call, user))
		return ph_fail(call, "sessions cannot be changed");
	return ph_output(call, "go.href", ph_text(ph_href("/notes")));
}

static enum ph_status
log_out(struct ph_call *call)
{
	ph_session_end(call);
	return ph_output(call, "go.href", ph_text(ph_href("/")));
}

static enum ph_status
keep_notes(struct ph_call *call)
{
	if (ph_user(call)[0] == '\0') /* anything can come from a browser */
		return ph_fail(call, "nobody is logged in");
	if (!ph_session_set(call, "notes", ph_input(call, "text.value")))
		return ph_fail(call, "the session takes no more");
	return ph_output(call, "kept.children", ph_text("Kept"));
}

static enum ph_status
show_error(struct ph_call *call)
{
	return ph_set_props(call, "problem", "children",
	    ph_textf("This did not work: %s.", ph_error(call)));
}

/* The menu changes with the page and with who is there. */
static enum ph_status
show_menu(struct ph_call *call)
{
	const char *user = ph_user(call);
	const struct ph_value *links[8];
	size_t count = 0;

	for (size_t i = 0; i < ph_page_count(call) && count < 8; i++) {
		const struct ph_page_info *page = ph_page_at(call, i);

		if (user[0] == '\0' || strcmp(page->path, "/login") != 0)
			links[count++] = dcc_link(.className = "tile", .children = ph_text(page->title),
			    .href = ph_href(page->has_variables ? "/book/Iliad?page=3" : page->path));
	}
	ph_output(call, "logout.hidden", ph_bool(user[0] == '\0'));
	ph_output(call, "problem.children", ph_null());
	return ph_output(call, "menu.children", ph_list(links, count));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_main(.className = "container", .children = PH_CHILDREN(
	    dcc_location(.id = "go", .refresh = ph_text("callback-nav")),
	    html_nav(.id = "menu", .className = "tiles"),
	    html_button(.id = "logout", .hidden = PH_TRUE, .children = ph_text("Log out")),
	    html_p(.id = "problem", .role = "alert"), ph_page_container()));
}

PH_APP(app)
{
	ph_title(app, "The reading room");
	ph_sessions(app);
	ph_layout(app, layout);
	ph_on_error(app, show_error);
	ph_page(app, "/", home, .title = "Home", .order = 1);
	ph_page(app, "/notes", notes, .title = "Notes", .order = 2);
	ph_page(app, "/login", login, .title = "Log in", .order = 3);
	ph_page(app, "/book/<title>", book, .title = "A book");
	ph_callback(app, show_menu, PH_OUTPUT("menu.children"), PH_OUTPUT("logout.hidden"),
	    PH_OUTPUT("problem.children"), PH_INPUT("go.pathname"));
	ph_callback(app, log_in, PH_OUTPUT("go.href"), PH_OUTPUT("refused.children"),
	    PH_INPUT("login.n_clicks"), PH_INPUT("password.n_submit"), PH_STATE("user.value"),
	    PH_STATE("password.value"), .prevent_initial_call = true);
	ph_callback(app, log_out, PH_OUTPUT_DUPLICATE("go.href"), PH_INPUT("logout.n_clicks"),
	    .prevent_initial_call = true);
	ph_callback(app, keep_notes, PH_OUTPUT("kept.children"), PH_INPUT("keep.n_clicks"),
	    PH_STATE("text.value"), .prevent_initial_call = true);
}
