/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_APP_HPP
#define PRONGHORN_APP_HPP

/*
 * Pronghorn SDK for C++17: the same as <pronghorn/app.h>, which says what
 * everything means, with values that convert by themselves, exceptions that
 * become errors, and apps defined without macros.
 *
 *	#include <pronghorn/app.hpp>
 *	#include <pronghorn/dcc.hpp>
 *	#include <pronghorn/html.hpp>
 *
 *	static ph::Value page(ph::Call) {
 *		return html::Div().children({ dcc::Input().id("in"),
 *		    html::P().id("out") });
 *	}
 *	static void greet(ph::Call call) {
 *		call.output("out.children",
 *		    "Hello " + call.input("in.value").str());
 *	}
 *	PH_APP(app) {
 *		ph::App(app).layout<page>();
 *		ph::App(app).callback<greet>("greet")
 *		    .output("out.children").input("in.value");
 *	}
 *
 * A function that returns has done its work (PH_OK). ph::wait() and
 * ph::no_update() leave it as PH_WAIT and PH_NO_UPDATE do; any other exception
 * makes it fail with what() as the reason, and destructors have run.
 *
 * MEMORY    A ph::Value is a pointer: copy it freely. What it points to lives
 *           as long as the call that made it.
 * THREADS   As <pronghorn/app.h>.
 */
#include <pronghorn/app.h>

#include <exception>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ph {

/* Any value: converts from and to what C++ has. */
class Value {
public:
	Value() : value_(ph_null()) {}
	Value(std::nullptr_t) : value_(ph_null()) {}
	Value(const struct ph_value *value) : value_(value) {}
	Value(bool flag) : value_(ph_bool(flag)) {}
	Value(int number) : value_(ph_int(number)) {}
	Value(unsigned number) : value_(ph_int(number)) {}
	Value(long number) : value_(ph_int(number)) {}
	Value(long long number) : value_(ph_int(number)) {}
	Value(unsigned long number)
	    : value_(ph_int(static_cast<int64_t>(number)))
	{
	}
	Value(double number) : value_(ph_number(number)) {}
	Value(const char *text) : value_(ph_text(text)) {}
	Value(const std::string &text)
	    : value_(ph_host_->make_text(text.data(), text.size()))
	{
	}
	Value(std::string_view text)
	    : value_(ph_host_->make_text(text.data(), text.size()))
	{
	}
	/* A list: { 1, "two", nullptr }. */
	Value(std::initializer_list<Value> items)
	    : value_(list(items.begin(), items.size()))
	{
	}
	template <typename T>
	Value(const std::vector<T> &items)
	{
		std::vector<Value> values(items.begin(), items.end());

		value_ = list(values.data(), values.size());
	}
	/* Numbers for a figure: one typed array. */
	static Value array(const std::vector<double> &items)
	{
		return ph_doubles(items.data(), items.size());
	}
	static Value array(const std::vector<float> &items)
	{
		return ph_floats(items.data(), items.size());
	}
	/* An object: ph::Value::object({ { "name", 1 } }). */
	static Value
	object(std::initializer_list<std::pair<const char *, Value>> members)
	{
		std::vector<struct ph_member> list;

		for (const auto &member : members)
			list.push_back({ member.first, member.second });
		return ph_host_->make_members(list.data(), list.size());
	}
	static Value json(const char *text) { return ph_json(text); }

	operator const struct ph_value *() const { return value_; }
	const struct ph_value *get() const { return value_; }

	bool is_null() const { return ph_is_null(value_); }
	/* "", NaN, 0 or false when it is of another kind. */
	std::string str() const { return ph_text_of(value_); }
	double number() const { return ph_number_of(value_); }
	int64_t integer() const { return ph_int_of(value_); }
	bool boolean() const { return ph_bool_of(value_); }
	std::size_t size() const { return ph_count_of(value_); }
	Value at(std::size_t index) const { return ph_at(value_, index); }
	Value member(const char *name) const
	{
		return ph_member(value_, name);
	}
	/* The numbers of a list, column or typed array. */
	std::vector<double> numbers() const
	{
		const double *items = nullptr;
		std::size_t count = ph_numbers_of(value_, &items);

		return std::vector<double>(items, items + count);
	}

	class Iterator {
	public:
		Iterator(const struct ph_value *value, std::size_t index)
		    : value_(value), index_(index)
		{
		}
		Value operator*() const { return ph_at(value_, index_); }
		Iterator &operator++()
		{
			index_++;
			return *this;
		}
		bool operator!=(const Iterator &other) const
		{
			return index_ != other.index_;
		}

	private:
		const struct ph_value *value_;
		std::size_t index_;
	};
	Iterator begin() const { return Iterator(value_, 0); }
	Iterator end() const { return Iterator(value_, size()); }

private:
	static const struct ph_value *list(const Value *items,
	    std::size_t count)
	{
		std::vector<const struct ph_value *> values(items,
		    items + count);

		return ph_host_->make_list(values.data(), values.size());
	}

	const struct ph_value *value_;
};

/* A text for a property: kept by the call, so a temporary may be given. */
class Text {
public:
	Text(const char *text) : text_(ph_text_of(ph_text(text))) {}
	Text(const std::string &text) : text_(ph_text_of(Value(text))) {}
	const char *get() const { return text_; }

private:
	const char *text_;
};

inline enum ph_bool
flag(bool on)
{
	return on ? PH_TRUE : PH_FALSE;
}

/* Leaves a function: run me again when the value is ready. */
struct Wait {};
/* Leaves a callback: nothing changes on the page. */
struct NoUpdate {};

[[noreturn]] inline void
wait()
{
	throw Wait();
}

[[noreturn]] inline void
no_update()
{
	throw NoUpdate();
}

/* One run of a callback or function. */
class Call {
public:
	Call(struct ph_call *call) : call_(call) {}
	operator struct ph_call *() const { return call_; }

	Value input(const char *what) const { return ph_input(call_, what); }
	Value arg(unsigned index) const { return ph_arg(call_, index); }
	void output(const char *what, Value value) const
	{
		(void)ph_output(call_, what, value);
	}
	void result(Value value) const { (void)ph_return(call_, value); }
	/* The memoized value of a function that was given to App::memoize();
	 * leaves by ph::wait() while it is not there. */
	template <auto function, typename... Arguments>
	Value memo(Arguments... arguments) const;
	/* SQL with arguments; see ph_query(). */
	template <typename... Arguments>
	Value query(const char *sql, Arguments... arguments) const
	{
		const struct ph_value *list[] = { Value(arguments)..., nullptr };

		return ph_host_->query(call_, sql, list, sizeof...(arguments));
	}
	template <typename... Arguments>
	void exec(const char *sql, Arguments... arguments) const
	{
		const struct ph_value *list[] = { Value(arguments)..., nullptr };

		(void)ph_host_->exec(call_, sql, list, sizeof...(arguments));
	}
	void log(const std::string &text) const
	{
		ph_log(call_, "%s", text.c_str());
	}

private:
	struct ph_call *call_;
};

/* A function of C++ as the server calls one: no exception leaves it. */
template <auto function>
enum ph_status
run(struct ph_call *call)
{
	try {
		function(Call(call));
		return PH_OK;
	} catch (const Wait &) {
		return PH_WAIT;
	} catch (const NoUpdate &) {
		return PH_NO_UPDATE;
	} catch (const std::exception &error) {
		return ph_fail(call, "%s", error.what());
	} catch (...) {
		return ph_fail(call, "an exception of an unknown type");
	}
}

template <auto function>
const struct ph_value *
run_layout(struct ph_call *call)
{
	try {
		return Value(function(Call(call)));
	} catch (const Wait &) {
		return nullptr; /* of a page: again when the value is there */
	} catch (const std::exception &error) {
		(void)ph_fail(call, "%s", error.what());
	} catch (...) {
		(void)ph_fail(call, "an exception of an unknown type");
	}
	return ph_null();
}

template <auto function, typename... Arguments>
Value
Call::memo(Arguments... arguments) const
{
	const struct ph_value *list[] = { Value(arguments)..., nullptr };
	const struct ph_value *value =
	    ph_host_->memo(call_, run<function>, list, sizeof...(arguments));

	if (value == nullptr)
		throw Wait();
	return value;
}

/* A callback while it is being defined; it is defined when this ends. */
class Callback {
public:
	Callback(struct ph_app *app, ph_function *function, const char *name)
	    : app_(app), function_(function), name_(name), options_()
	{
	}
	Callback(const Callback &) = delete;
	Callback &operator=(const Callback &) = delete;
	~Callback()
	{
		const char **place = &options_.d0;

		if (texts_.size() > PH_DEPENDENCIES_MAX) {
			texts_.resize(PH_DEPENDENCIES_MAX);
			options_.ph_too_many_ = "";
		}
		for (const std::string &text : texts_)
			*place++ = text.c_str();
		give_lists();
		ph_host_->callback(app_, function_, name_, &options_);
	}
	Callback &output(const std::string &what) { return add(PH_MARK_OUTPUT_, what); }
	Callback &input(const std::string &what) { return add(PH_MARK_INPUT_, what); }
	Callback &state(const std::string &what) { return add(PH_MARK_STATE_, what); }
	Callback &duplicate_output(const std::string &what)
	{
		return add(PH_MARK_DUPLICATE_, what);
	}
	Callback &memoize(double seconds = 0)
	{
		options_.memoize = true;
		options_.timeout = seconds;
		return *this;
	}
	Callback &prevent_initial_call()
	{
		options_.prevent_initial_call = true;
		return *this;
	}
	/* It may run for minutes; the page looks every `seconds`. */
	Callback &background(double seconds = 0)
	{
		options_.background = true;
		options_.interval = seconds;
		return *this;
	}
	/* What ph::progress() may set, and what it is otherwise. */
	Callback &progress(const char *what, Value otherwise)
	{
		progress_.push_back({ what, otherwise });
		return *this;
	}
	/* An input that ends it. */
	Callback &cancel(const char *what)
	{
		cancel_.push_back(what);
		return *this;
	}
	/* A property while it runs, and afterwards. */
	Callback &running(const char *what, Value on, Value off)
	{
		running_.push_back({ what, on, off });
		return *this;
	}
	/* All other options by their C names. */
	struct ph_callback_options &options() { return options_; }

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
	Callback &add(const char *mark, const std::string &what)
	{
		texts_.push_back(mark + what);
		return *this;
	}

	struct ph_app *app_;
	ph_function *function_;
	const char *name_;
	struct ph_callback_options options_;
	std::vector<std::string> texts_;
	std::vector<struct ph_member> progress_;
	std::vector<const char *> cancel_;
	std::vector<struct ph_while> running_;
};

/* The app inside PH_APP(). */
class App {
public:
	explicit App(struct ph_app *app) : app_(app) {}

	App &title(const char *text)
	{
		ph_title(app_, text);
		return *this;
	}
	template <auto function>
	App &layout(bool blocking = false)
	{
		struct ph_layout_options options = {};

		options.blocking = blocking;
		ph_host_->layout(app_, run_layout<function>, &options);
		return *this;
	}
	/* `name` is for logs and, of a memoized function, part of its key. */
	template <auto function>
	Callback callback(const char *name)
	{
		return Callback(app_, run<function>, name);
	}
	template <auto function>
	App &memoize(const char *name, double seconds = 0, unsigned version = 0)
	{
		struct ph_memoize_options options = {};

		options.timeout = seconds;
		options.version = version;
		ph_host_->memoize(app_, run<function>, name, &options);
		return *this;
	}
	/* Browser sessions: see ph::Session. */
	App &sessions()
	{
		ph_sessions(app_);
		return *this;
	}
	/* The scripts of a component package. */
	App &package(const char *name)
	{
		ph_package(app_, name);
		return *this;
	}
	/* A page at a path, which may have <variables>. */
	template <auto function>
	App &page(const char *path, const char *title, int order = 0)
	{
		struct ph_page_about about = {};

		about.title = title;
		about.order = order;
		ph_page_add(app_, path, run_layout<function>, about);
		return *this;
	}
	/* An answer beside the pages: see ph::Request. */
	template <auto function>
	App &route(const char *method, const char *path, const char *name)
	{
		ph_route_add(app_, method, path, run<function>, name,
		    ph_route_options());
		return *this;
	}
	template <auto create>
	App &database(const char *name, unsigned version)
	{
		struct ph_database_options options = {};

		options.create = run<create>;
		options.version = version;
		ph_host_->database(app_, name, &options);
		return *this;
	}

private:
	struct ph_app *app_;
};

} /* namespace ph */

#include <pronghorn/figure.hpp>
#include <pronghorn/web.hpp>

#endif
