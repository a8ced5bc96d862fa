/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_CALL_HPP
#define PRONGHORN_CALL_HPP

/*
 * Pronghorn SDK for C++17: one run of a callback or function, and how C++
 * functions are run, as <pronghorn/app.h>, <pronghorn/cache.h> and
 * <pronghorn/background.h> explain it. Included by <pronghorn/app.hpp>.
 */
#include <pronghorn/value.hpp>

#include <cstdlib>
#include <exception>
#include <stdexcept>

namespace ph {

/* Leave a function by Wait and NoUpdate, see <pronghorn/guard.h>. */
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

/* Leaves a function: it has failed, and why. So does any other exception. */
[[noreturn]] inline void
fail(const std::string &why)
{
	throw std::runtime_error(why);
}

/* Properties and values for ph::progress() and the like. */
using Members = std::initializer_list<std::pair<const char *, Value>>;

/* Conditions of one memo: ph::MemoOptions().max_age(5). */
class MemoOptions {
public:
	MemoOptions() : options_() {}
	MemoOptions &timeout(double v) { options_.timeout = v; return *this; }
	MemoOptions &stale(double v) { options_.stale = v; return *this; }
	MemoOptions &max_age(double v) { options_.max_age = v; return *this; }
	MemoOptions &fresh(bool v = true) { options_.fresh = v; return *this; }
	MemoOptions &unless(bool v) { options_.unless = v; return *this; }
	MemoOptions &key(Text v) { options_.key = v.get(); return *this; }
	const struct ph_memo_options &get() const { return options_; }

private:
	struct ph_memo_options options_;
};

/* How a cookie is set: ph::Cookie().max_age(86400). */
class Cookie {
public:
	Cookie() : options_() {}
	Cookie &max_age(double v) { options_.max_age = v; return *this; }
	Cookie &path(Text v) { options_.path = v.get(); return *this; }
	Cookie &domain(Text v) { options_.domain = v.get(); return *this; }
	Cookie &same_site(Text v) { options_.same_site = v.get(); return *this; }
	Cookie &for_scripts(bool v = true) { options_.for_scripts = v; return *this; }
	Cookie &secure(bool v = true) { options_.secure = v; return *this; }
	const struct ph_cookie_options &get() const { return options_; }

private:
	struct ph_cookie_options options_;
};

/* One run of a callback or function. */
class Call {
public:
	Call(struct ph_call *call) : call_(call) {}
	operator struct ph_call *() const { return call_; }

	/* ---- inputs and outputs ---- */

	Value input(Name what) const { return ph_input(call_, what.get()); }
	Value arg(unsigned index) const { return ph_arg(call_, index); }
	void output(Name what, Value value) const
	{
		(void)ph_output(call_, what.get(), value);
	}
	/* The n-th component of an output with ALL. */
	void output_each(Name what, std::size_t index, Value value) const
	{
		(void)ph_output_each(call_, what.get(), index, value);
	}
	/* A figure with columns of tables put in:
	 * { { "data[0].x", table, "x" } }. */
	void output_figure(Name what, Value figure,
	    std::initializer_list<struct ph_column> columns) const
	{
		(void)ph_host_->output_figure(call_, what.get(), figure,
		    columns.begin(), columns.size());
	}
	/* Of any component, be it an output or not. */
	void set_props(Name id, Name property, Value value) const
	{
		(void)ph_set_props(call_, id.get(), property.get(), value);
	}
	void result(Value value) const { (void)ph_return(call_, value); }

	/* ---- why it runs and for whom ---- */

	/* The ids that a pattern stands for. */
	Value id_of(Name what) const { return ph_id_of(call_, what.get()); }
	/* The n-th output, or input or state, of a callback in a loop. */
	std::string output_name(unsigned n) const
	{
		return ph_output_name(call_, n);
	}
	std::string input_name(unsigned n) const
	{
		return ph_input_name(call_, n);
	}
	Value triggered() const { return ph_triggered(call_); }
	bool is_initial() const { return ph_is_initial(call_); }
	bool triggered_by(Name what) const
	{
		return ph_triggered_by(call_, what.get());
	}
	std::string header(Name name) const
	{
		return ph_header(call_, name.get());
	}
	std::string cookie(Name name) const
	{
		return ph_cookie(call_, name.get());
	}
	std::string client() const { return ph_client(call_); }
	/* Why the callback failed, in an on_error function. */
	std::string error() const { return ph_error(call_); }
	/* Variables of the path and the query, in pages and routes. */
	std::string path_arg(Name name) const
	{
		return ph_path_arg(call_, name.get());
	}
	std::string query_arg(Name name) const
	{
		return ph_query_arg(call_, name.get());
	}

	/* ---- the answer's headers ---- */

	void set_header(Name name, Name value) const
	{
		ph_set_header(call_, name.get(), value.get());
	}
	void set_cookie(Name name, Name value,
	    const Cookie &cookie = Cookie()) const
	{
		ph_set_cookie_(call_, name.get(), value.get(), cookie.get());
	}

	/* ---- memoized functions: those given to App::memoize() ---- */

	/* The value; leaves by ph::wait() while it is not there. */
	template <auto function, typename... Arguments>
	Value memo(Arguments... arguments) const;
	/* One that is made after this request came. */
	template <auto function, typename... Arguments>
	Value memo_new(Arguments... arguments) const;
	template <auto function, typename... Arguments>
	Value memo_with(const MemoOptions &options,
	    Arguments... arguments) const;
	/* How it stands with it, without asking for it. */
	template <auto function, typename... Arguments>
	Value memo_state(Arguments... arguments) const;
	/* All values of it, or one; false: the store failed. */
	template <auto function>
	bool forget() const;
	template <auto function, typename... Arguments>
	bool forget_args(Arguments... arguments) const;

	/* In a memoized function or callback. */
	void no_store() const { ph_no_store(call_); }
	void tag(Name tag) const { ph_tag(call_, tag.get()); }
	/* How far it is, from 0 to 1. */
	void progress(double part) const { ph_progress(call_, part); }
	/* In a long loop: does nobody wait any more? */
	bool cancelled() const { return ph_cancelled(call_); }
	/* In a background callback: { { "bar.value", 3 } }. */
	bool set_progress(Members list) const
	{
		Rows<struct ph_member> members;

		for (const auto &one : list)
			members.push_back({ one.first, one.second });
		return ph_host_->background->set_progress(call_,
		    members.data(), members.size());
	}

	/* ---- data ---- */

	/* SQL with arguments; see ph_query(). */
	template <typename... Arguments>
	Value query(Name sql, Arguments... arguments) const
	{
		const struct ph_value *list[] = { Value(arguments)..., nullptr };

		return ph_host_->query(call_, sql.get(), list,
		    sizeof...(arguments));
	}
	template <typename... Arguments>
	void exec(Name sql, Arguments... arguments) const
	{
		const struct ph_value *list[] = { Value(arguments)..., nullptr };

		(void)ph_host_->exec(call_, sql.get(), list,
		    sizeof...(arguments));
	}
	/* The bytes of a dcc.Upload's contents; data() is nullptr: none. */
	std::string_view upload(Value contents) const
	{
		std::size_t len = 0;
		const void *bytes = ph_upload(call_, contents, &len);

		return std::string_view(static_cast<const char *>(bytes), len);
	}
	/* Have the browser save a file; `what` is the data of a dcc.Download. */
	void download(Name what, Name name, Name type,
	    std::string_view bytes) const
	{
		(void)ph_download(call_, what.get(), name.get(), type.get(),
		    bytes.data(), bytes.size());
	}
	void download_text(Name what, Name name, Value text) const
	{
		(void)ph_download_text(call_, what.get(), name.get(), text);
	}

	/* ---- time and log ---- */

	void sleep(double seconds) const { ph_sleep(call_, seconds); }
	void log(const std::string &text) const
	{
		ph_log(call_, "%s", text.c_str());
	}

private:
	struct ph_call *call_;
};

/*
 * What is made while this is there is given back with it, whatever leaves the
 * block: for one round of a long loop, as <pronghorn/scratch.h> explains.
 *
 *     for (int64_t i = 0; i < steps; i++) {
 *         ph::Scratch scratch(call);
 *         sum += call.query(SQL, i).member("n").at(0).number();
 *     }
 */
class Scratch {
public:
	explicit Scratch(const Call &call) : call_(call)
	{
		ph_scratch_begin(call_);
	}
	~Scratch() { ph_scratch_end(call_); }
	Scratch(const Scratch &) = delete;
	Scratch &operator=(const Scratch &) = delete;

	/* A copy that outlives it. */
	Value keep(Value value) const { return ph_keep(call_, value); }

private:
	struct ph_call *call_;
};

} /* namespace ph */

/* The server's, which sets it when it loads the app. */
extern "C" {
__attribute__((visibility("default"), used)) inline void (*ph_last_words_)(
    const char *text) = nullptr;
}

namespace ph {

/* An exception that nobody catches, of a thread of the app's own for one, ends
 * the process; what() of it goes into the report of that. */
struct LastWords_ {
	std::terminate_handler before;

	LastWords_();
};
inline LastWords_ last_words_;

[[noreturn]] inline void
say_last_words_()
{
	try {
		if (ph_last_words_ != nullptr && std::current_exception())
			std::rethrow_exception(std::current_exception());
	} catch (const std::exception &error) {
		ph_last_words_(error.what());
	} catch (...) {
		ph_last_words_("an exception of an unknown type");
	}
	if (last_words_.before != nullptr)
		last_words_.before();
	std::abort();
}

inline LastWords_::LastWords_() : before(std::set_terminate(say_last_words_)) {}

/* A function of C++ as the server calls one. What it throws is caught around
 * it: see <pronghorn/guard.h>. */
template <auto function>
enum ph_status
run(struct ph_call *call)
{
	function(Call(call));
	return PH_OK;
}

/* One that returns a value: a layout, a key. */
template <auto function>
const struct ph_value *
run_layout(struct ph_call *call)
{
	return Value(function(Call(call)));
}

/* One that says yes or no. */
template <auto function>
bool
run_condition(struct ph_call *call)
{
	return function(Call(call));
}

/* What is not there yet leaves by ph::wait(). */
inline Value
ready(const struct ph_value *value)
{
	if (value == nullptr)
		throw Wait();
	return value;
}

template <auto function, typename... Arguments>
Value
Call::memo(Arguments... arguments) const
{
	const struct ph_value *list[] = { Value(arguments)..., nullptr };

	return ready(ph_host_->memo(call_, run<function>, list,
	    sizeof...(arguments)));
}

template <auto function, typename... Arguments>
Value
Call::memo_new(Arguments... arguments) const
{
	const struct ph_value *list[] = { Value(arguments)..., nullptr };

	return ready(ph_host_->cache->memo_new(call_, run<function>, list,
	    sizeof...(arguments)));
}

template <auto function, typename... Arguments>
Value
Call::memo_with(const MemoOptions &options, Arguments... arguments) const
{
	const struct ph_value *list[] = { Value(arguments)..., nullptr };
	struct ph_memo_options all = options.get();
	const struct ph_value **place = &all.a0;

	static_assert(sizeof...(arguments) <= 16, "at most 16 arguments");
	all.function = run<function>;
	for (std::size_t i = 0; i < sizeof...(arguments); i++)
		*place++ = list[i];
	return ready(ph_host_->cache->memo_with(call_, &all));
}

template <auto function, typename... Arguments>
Value
Call::memo_state(Arguments... arguments) const
{
	const struct ph_value *list[] = { Value(arguments)..., nullptr };

	return ph_host_->cache->memo_state(call_, run<function>, list,
	    sizeof...(arguments));
}

template <auto function>
bool
Call::forget() const
{
	return ph_forget(call_, run<function>);
}

template <auto function, typename... Arguments>
bool
Call::forget_args(Arguments... arguments) const
{
	const struct ph_value *list[] = { Value(arguments)..., nullptr };

	return ph_host_->cache->forget_args(call_, run<function>, list,
	    sizeof...(arguments));
}

} /* namespace ph */

#endif
