/* SPDX-License-Identifier: MIT */

/* Functions in C++ that are given to the server as those of C are, and throw:
 * what the input, or the query, says. */
#include <pronghorn/app.hpp>

#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>

struct marked {
	std::string text = std::string(1000, 'x');
};

/* From within something that has to be destroyed. */
static void
throw_it(const std::string &what)
{
	std::string keep(1000, 'x');

	if (what == "error")
		throw std::runtime_error("it is \xff %s");
	if (what == "int")
		throw 7;
	if (what == "own")
		throw marked();
	if (what == "no update")
		ph::no_update();
	if (what == "wait")
		ph::wait();
	if (what == "memory")
		throw std::bad_alloc();
	if (what == "range")
		(void)keep.at(5000);
}

static enum ph_status
plain(struct ph_call *call)
{
	std::string what = ph_text_of(ph_input(call, "in.value"));

	ph_scratch_begin(call);
	throw_it(what);
	ph_scratch_end(call);
	return ph_output(call, "out.children", ph_text(what.c_str()));
}

static enum ph_status
caught(struct ph_call *call)
{
	throw_it(ph_text_of(ph_input(call, "in.value")));
	return PH_OK;
}

static enum ph_status
explain(struct ph_call *call)
{
	return ph_output(call, "caught.children", ph_text(ph_error(call)));
}

static enum ph_status
value(struct ph_call *call)
{
	throw_it(ph_text_of(ph_arg(call, 0)));
	return ph_return(call, ph_arg(call, 0));
}

static enum ph_status
keyed(struct ph_call *call)
{
	return ph_return(call, ph_int(1));
}

static const struct ph_value *
key(struct ph_call *call)
{
	throw_it(ph_text_of(ph_arg(call, 0)));
	return ph_arg(call, 0);
}

static bool
unless(struct ph_call *call)
{
	throw_it(ph_text_of(ph_arg(call, 1)));
	return false;
}

static enum ph_status
asks(struct ph_call *call)
{
	const struct ph_value *in = ph_input(call, "in.value");
	const struct ph_value *got = ph_memo(call, value, in);

	if (got == nullptr)
		return PH_WAIT;
	return ph_output(call, "asks.children", got);
}

/* What is not there yet leaves by an exception, too. */
static enum ph_status
leaves(struct ph_call *call)
{
	const struct ph_value *in = ph_input(call, "in.value");

	return ph_output(call, "leaves.children",
	    ph::ready(ph_memo(call, value, in)));
}

static enum ph_status
get(struct ph_call *call)
{
	const char *where = ph_query_arg(call, "where");
	const struct ph_value *what = ph_text(ph_query_arg(call, "what"));
	const struct ph_value *none = ph_text("");
	bool in_key = std::string(where) == "key";

	if (*where == '\0')
		throw_it(ph_text_of(what));
	else if (ph_memo(call, keyed, in_key ? what : none,
		     in_key ? none : what) == nullptr)
		return PH_WAIT;
	return ph_respond_text(call, 200, "fine");
}

static const struct ph_value *
layout(struct ph_call *call)
{
	throw_it(ph_header(call, "X-What"));
	return ph_text("the page");
}

/* Hooks that throw what the request or the environment says. */
static int
pre_request(const struct ph_request *request)
{
	const char *what = ph_request_header(request, "X-Hook");

	throw_it(what != nullptr ? what : "");
	return 0;
}

static int
post_request(const struct ph_request *)
{
	throw std::runtime_error("after the answer");
}

static int
post_fork(const struct ph_server *)
{
	const char *what = std::getenv("THROW_IN_FORK");

	throw_it(what != nullptr ? what : "");
	return 0;
}

static int
worker_exit(const struct ph_server *)
{
	throw std::runtime_error("on the way out");
}

PH_APP(app)
{
	struct ph_hooks hooks = {};
	const char *defining = std::getenv("THROW_IN_APP");

	throw_it(defining != nullptr ? defining : "");
	hooks.post_fork = post_fork;
	hooks.worker_exit = worker_exit;
	hooks.pre_request = pre_request;
	hooks.post_request = post_request;
	ph_host_->hooks->define(app, &hooks);
	struct ph_callback_options options = {};
	struct ph_memoize_options keys = {};
	struct ph_layout_options where = {};

	options.prevent_initial_call = true;
	where.blocking = true;
	ph_layout_add(app, layout, where);
	options.d0 = PH_OUTPUT("out.children");
	options.d1 = PH_INPUT("in.value");
	ph_callback_add(app, plain, "plain", options);
	options.d0 = PH_OUTPUT("asks.children");
	ph_callback_add(app, asks, "asks", options);
	options.d0 = PH_OUTPUT("leaves.children");
	ph_callback_add(app, leaves, "leaves", options);
	options.d0 = PH_OUTPUT("caught.children");
	options.on_error = explain;
	ph_callback_add(app, caught, "caught", options);
	ph_memoize_add(app, value, "value", ph_memoize_options());
	keys.key = key;
	keys.unless = unless;
	ph_memoize_add(app, keyed, "keyed", keys);
	ph_route_add(app, "GET", "/get", get, "get", ph_route_options());
	ph_options_set(app, [] {
		struct ph_page_options page = {};

		page.suppress_callback_exceptions = true;
		return page;
	}());
}
