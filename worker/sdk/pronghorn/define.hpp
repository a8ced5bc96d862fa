/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_DEFINE_HPP
#define PRONGHORN_DEFINE_HPP

/*
 * Pronghorn SDK for C++17: what an app says about itself inside PH_APP(), as
 * <pronghorn/app.h>, <pronghorn/pages.h>, <pronghorn/route.h> and
 * <pronghorn/hooks.h> explain it. Included by <pronghorn/app.hpp>.
 *
 * Callbacks, functions, pages, routes and hooks are builders: what is written
 * behind them is collected, and defined at the end of the statement.
 *
 *	PH_APP(app)
 *	{
 *		ph::App site(app);
 *
 *		site.title("Trips").sessions().layout<page>();
 *		site.memoize<distances>("distances", 60).stale(600);
 *		site.callback<draw>("draw").output("g.figure").input("d.value")
 *		    .on_error<comfort>();
 *		site.clientside("function(n) { return n * 2; }")
 *		    .output("out.children").input("in.value");
 *		site.page<about>("/about").name("About").order(2);
 *	}
 */
#include <pronghorn/call.hpp>

namespace ph {

/* Outputs, inputs and states; `Self` is the class made of it. */
template <typename Self>
class Dependencies {
public:
	Dependencies(const Dependencies &) = delete;
	Dependencies &operator=(const Dependencies &) = delete;

	Self &output(const std::string &what) { return add(PH_MARK_OUTPUT_, what); }
	Self &input(const std::string &what) { return add(PH_MARK_INPUT_, what); }
	Self &state(const std::string &what) { return add(PH_MARK_STATE_, what); }
	/* One that other callbacks have, too; needs prevent_initial_call(). */
	Self &duplicate_output(const std::string &what) { return add(PH_MARK_DUPLICATE_, what); }
	/* Those that may be absent from the page: null then. */
	Self &optional_input(const std::string &what) { return add(PH_MARK_INPUT_OPTIONAL_, what); }
	Self &optional_state(const std::string &what) { return add(PH_MARK_STATE_OPTIONAL_, what); }
	Self &prevent_initial_call()
	{
		options_.prevent_initial_call = true;
		return self();
	}
	/* With duplicate_output(): it runs when the page appears, too. */
	Self &initial_duplicate()
	{
		options_.initial_duplicate = true;
		return self();
	}
	/* All other options by their C names. */
	struct ph_callback_options &options() { return options_; }

protected:
	explicit Dependencies(struct ph_app *app) : app_(app), options_() {}
	~Dependencies() = default;
	/* The texts into the options, which borrow them. */
	void give_texts()
	{
		const char **place = &options_.d0;

		for (std::size_t i = 0; i < count_; i++)
			place[i] = texts_[i].c_str();
	}

	struct ph_app *app_;
	struct ph_callback_options options_;

private:
	Self &self() { return static_cast<Self &>(*this); }
	Self &add(const char *mark, const std::string &what)
	{
		if (count_ < PH_DEPENDENCIES_MAX)
			texts_[count_++] = std::string(mark) + whole(what);
		else
			options_.ph_too_many_ = "";
		return self();
	}

	std::string texts_[PH_DEPENDENCIES_MAX];
	std::size_t count_ = 0;
};

/* A callback of the server. */
class Callback : public Dependencies<Callback> {
public:
	Callback(struct ph_app *app, ph_function *function, const char *name)
	    : Dependencies(app), function_(function), name_(name)
	{
	}
	~Callback()
	{
		give_texts();
		give_lists();
		ph_callback_add(app_, function_, name_, options_);
	}
	/* Answers are kept and given without running it. */
	Callback &memoize(double seconds = 0)
	{
		options_.memoize = true;
		options_.timeout = seconds;
		return *this;
	}
	Callback &stale(double seconds)
	{
		options_.stale = seconds;
		return *this;
	}
	Callback &version(uint32_t number)
	{
		options_.version = number;
		return *this;
	}
	/* Runs when this one fails. */
	template <auto function>
	Callback &on_error()
	{
		options_.on_error = run<function>;
		return *this;
	}
	/* It may run for minutes; the page looks every `seconds`. */
	Callback &background(double seconds = 0)
	{
		options_.background = true;
		options_.interval = seconds;
		return *this;
	}
	/* What Call::set_progress() may set, and what it is otherwise. */
	Callback &progress(Text what, Value otherwise)
	{
		progress_.push_back({ what.get(), otherwise });
		return *this;
	}
	/* An input that ends it. */
	Callback &cancel(Text what)
	{
		cancel_.push_back(what.get());
		return *this;
	}
	/* A property while it runs, and afterwards. */
	Callback &running(Text what, Value on, Value off)
	{
		running_.push_back({ what.get(), on, off });
		return *this;
	}

private:
	void give_lists()
	{
		if (!progress_.empty()) {
			progress_.push_back({ nullptr, nullptr });
			options_.progress = progress_.data();
		}
		if (!cancel_.empty()) {
			cancel_.push_back(nullptr);
			options_.cancel = cancel_.data();
		}
		if (!running_.empty()) {
			running_.push_back({ nullptr, nullptr, nullptr });
			options_.running = running_.data();
		}
	}

	ph_function *function_;
	const char *name_;
	Rows<struct ph_member> progress_;
	Rows<const char *> cancel_;
	Rows<struct ph_while> running_;
};

/* One that runs in the browser. */
class Clientside : public Dependencies<Clientside> {
public:
	Clientside(struct ph_app *app, std::string source)
	    : Dependencies(app), source_(std::move(source))
	{
	}
	~Clientside()
	{
		give_texts();
		ph_clientside_add(app_, source_.c_str(), options_);
	}

private:
	std::string source_;
};

/* What is handed over when the statement ends. */
template <typename Options>
class Definition {
public:
	Definition(const Definition &) = delete;
	Definition &operator=(const Definition &) = delete;
	/* All options by their C names. */
	Options &options() { return options_; }

protected:
	explicit Definition(struct ph_app *app) : app_(app), options_() {}
	~Definition() = default;

	struct ph_app *app_;
	Options options_;
};

/* A memoized function. */
class Memoized : public Definition<struct ph_memoize_options> {
public:
	Memoized(struct ph_app *app, ph_function *function, const char *name,
	    double seconds, uint32_t version)
	    : Definition(app), function_(function), name_(name)
	{
		options_.timeout = seconds;
		options_.version = version;
	}
	~Memoized() { ph_memoize_add(app_, function_, name_, options_); }
	Memoized &timeout(double v) { options_.timeout = v; return *this; }
	Memoized &version(uint32_t v) { options_.version = v; return *this; }
	Memoized &stale(double v) { options_.stale = v; return *this; }
	Memoized &null_timeout(double v) { options_.null_timeout = v; return *this; }
	Memoized &error_timeout(double v) { options_.error_timeout = v; return *this; }
	Memoized &scope(enum ph_scope v) { options_.scope = v; return *this; }
	/* The n-th argument makes no difference, counted from 0. */
	Memoized &ignore(unsigned n) { options_.ignore |= PH_IGNORE(n); return *this; }
	Memoized &cancel() { options_.cancel = true; return *this; }
	/* ph::Value key(ph::Call): in place of the arguments. */
	template <auto function>
	Memoized &key()
	{
		options_.key = run_layout<function>;
		return *this;
	}
	/* bool unless(ph::Call): neither read from the cache nor stored. */
	template <auto function>
	Memoized &unless()
	{
		options_.unless = run_condition<function>;
		return *this;
	}

private:
	ph_function *function_;
	const char *name_;
};

/* A page. */
class Page : public Definition<struct ph_page_about> {
public:
	Page(struct ph_app *app, Text path, ph_layout_function *function,
	    Text title)
	    : Definition(app), path_(path.get()), function_(function)
	{
		options_.title = title.get();
	}
	~Page()
	{
		if (!from_.empty()) {
			from_.push_back(nullptr);
			options_.redirect_from = from_.data();
		}
		ph_page_add(app_, path_, function_, options_);
	}
	Page &name(Text v) { options_.name = v.get(); return *this; }
	Page &title(Text v) { options_.title = v.get(); return *this; }
	Page &description(Text v) { options_.description = v.get(); return *this; }
	Page &image(Text v) { options_.image = v.get(); return *this; }
	Page &order(int v) { options_.order = v; return *this; }
	/* An address that leads here. */
	Page &redirect_from(Text v) { from_.push_back(v.get()); return *this; }

private:
	const char *path_;
	ph_layout_function *function_;
	Rows<const char *> from_;
};

/* An answer beside the pages: see ph::Request. */
class Route : public Definition<struct ph_route_options> {
public:
	Route(struct ph_app *app, Text method, Text path, ph_function *handler,
	    const char *name)
	    : Definition(app), method_(method.get()), path_(path.get()),
	      handler_(handler), name_(name)
	{
	}
	~Route()
	{
		ph_route_add(app_, method_, path_, handler_, name_, options_);
	}
	Route &any_origin() { options_.any_origin = true; return *this; }
	Route &max_body(std::size_t v) { options_.max_body = v; return *this; }

private:
	const char *method_;
	const char *path_;
	ph_function *handler_;
	const char *name_;
};

/* How the page behaves. */
class PageOptions : public Definition<struct ph_page_options> {
public:
	explicit PageOptions(struct ph_app *app) : Definition(app) {}
	~PageOptions() { ph_options_set(app_, options_); }
	PageOptions &suppress_callback_exceptions() { options_.suppress_callback_exceptions = true; return *this; }
	PageOptions &show_undo_redo() { options_.show_undo_redo = true; return *this; }
	PageOptions &keep_title() { options_.keep_title = true; return *this; }
	PageOptions &update_title(Text v) { options_.update_title = v.get(); return *this; }
};

/* A line for the server's error log, from hooks. */
inline void
server_log(const std::string &text)
{
	ph_server_log("%s", text.c_str());
}

/* A request in the hooks pre_request and post_request. */
class Incoming {
public:
	explicit Incoming(const struct ph_request *request) : request_(request) {}
	std::string method() const { return request_->method; }
	std::string path() const { return request_->path; }
	std::string client() const { return request_->client; }
	int status() const { return request_->status; }
	double seconds() const { return request_->seconds; }
	/* In pre_request; "" when there is none. */
	std::string header(Name name) const
	{
		const char *text = ph_request_header(request_, name.get());

		return text != nullptr ? text : "";
	}

private:
	const struct ph_request *request_;
};

/* int hook(const ph_server &); an exception counts as -1. */
template <auto function>
int
run_server_hook(const struct ph_server *server)
{
	return function(*server);
}

/* int hook(ph::Incoming); an exception counts as 500. */
template <auto function>
int
run_request_hook(const struct ph_request *request)
{
	return function(Incoming(request));
}

/* Functions at turning points of the server; once. */
class Hooks : public Definition<struct ph_hooks> {
public:
	explicit Hooks(struct ph_app *app) : Definition(app) {}
	~Hooks() { ph_host_->hooks->define(app_, &options_); }
	template <auto f> Hooks &post_fork() { options_.post_fork = run_server_hook<f>; return *this; }
	template <auto f> Hooks &post_worker_init() { options_.post_worker_init = run_server_hook<f>; return *this; }
	template <auto f> Hooks &worker_int() { options_.worker_int = run_server_hook<f>; return *this; }
	template <auto f> Hooks &worker_exit() { options_.worker_exit = run_server_hook<f>; return *this; }
	template <auto f> Hooks &pre_request() { options_.pre_request = run_request_hook<f>; return *this; }
	template <auto f> Hooks &post_request() { options_.post_request = run_request_hook<f>; return *this; }
	template <auto f> Hooks &on_starting() { options_.on_starting = run_server_hook<f>; return *this; }
	template <auto f> Hooks &when_ready() { options_.when_ready = run_server_hook<f>; return *this; }
	template <auto f> Hooks &pre_fork() { options_.pre_fork = run_server_hook<f>; return *this; }
	template <auto f> Hooks &child_exit() { options_.child_exit = run_server_hook<f>; return *this; }
	template <auto f> Hooks &nworkers_changed() { options_.nworkers_changed = run_server_hook<f>; return *this; }
	template <auto f> Hooks &on_reload() { options_.on_reload = run_server_hook<f>; return *this; }
	template <auto f> Hooks &pre_exec() { options_.pre_exec = run_server_hook<f>; return *this; }
	template <auto f> Hooks &on_exit() { options_.on_exit = run_server_hook<f>; return *this; }
};

/* The app inside PH_APP(). */
class App {
public:
	explicit App(struct ph_app *app) : app_(app) {}

	/* ---- builders ---- */

	/* `name` is for logs and, of a memoized function, part of its key. */
	template <auto function>
	Callback callback(const char *name)
	{
		return Callback(app_, run<function>, name);
	}
	/* A function in JavaScript, or "namespace.function" of a script. */
	Clientside clientside(const std::string &source)
	{
		return Clientside(app_, whole(source));
	}
	template <auto function>
	Memoized memoize(const char *name, double seconds = 0,
	    uint32_t version = 0)
	{
		return Memoized(app_, run<function>, name, seconds, version);
	}
	/* A page at a path, which may have <variables>. */
	template <auto function>
	Page page(Text path, Text title = nullptr)
	{
		return Page(app_, path, run_layout<function>, title);
	}
	template <auto function>
	Route route(Text method, Text path, const char *name)
	{
		return Route(app_, method, path, run<function>, name);
	}
	PageOptions options() { return PageOptions(app_); }
	Hooks hooks() { return Hooks(app_); }

	/* ---- the rest ---- */

	App &title(Text text)
	{
		ph_title(app_, text.get());
		return *this;
	}
	template <auto function>
	App &layout(bool blocking = false)
	{
		struct ph_layout_options options = {};

		options.blocking = blocking;
		ph_layout_add(app_, run_layout<function>, options);
		return *this;
	}
	/* For callbacks that have none of their own. */
	template <auto function>
	App &on_error()
	{
		ph_on_error(app_, run<function>);
		return *this;
	}
	/* Browser sessions: see ph::Session. */
	App &sessions()
	{
		ph_sessions(app_);
		return *this;
	}
	/* The scripts of a component package. */
	App &package(Name name)
	{
		ph_package(app_, name.get());
		return *this;
	}
	template <auto function>
	App &not_found()
	{
		ph_not_found(app_, run_layout<function>);
		return *this;
	}
	template <auto function>
	App &validation_layout()
	{
		ph_validation_layout(app_, run_layout<function>);
		return *this;
	}
	/* The HTML document, and a meta tag in it. */
	App &index(Text html)
	{
		ph_index(app_, html.get());
		return *this;
	}
	/* Of other servers, in the order of the calls. */
	App &external_script(Text url, const struct ph_external_options &options = {})
	{
		ph_external_add(app_, PH_EXTERNAL_SCRIPT, url.get(), options);
		return *this;
	}
	App &external_stylesheet(Text url, const struct ph_external_options &options = {})
	{
		ph_external_add(app_, PH_EXTERNAL_STYLESHEET, url.get(), options);
		return *this;
	}
	App &meta(Text name, Text content)
	{
		ph_meta(app_, name.get(), content.get());
		return *this;
	}
	/* A database that `create` makes, or a file that is there. */
	template <auto create>
	App &database(Name name, uint32_t version)
	{
		struct ph_database_options options = {};

		options.create = run<create>;
		options.version = version;
		ph_database_add(app_, name.get(), options);
		return *this;
	}
	App &database(Name name, Name path)
	{
		struct ph_database_options options = {};

		options.path = path.get();
		ph_database_add(app_, name.get(), options);
		return *this;
	}

private:
	struct ph_app *app_;
};

} /* namespace ph */

#endif
