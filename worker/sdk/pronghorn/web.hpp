/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_WEB_HPP
#define PRONGHORN_WEB_HPP

/*
 * Pronghorn SDK for C++17: sessions, pages, routes and background callbacks,
 * as <pronghorn/session.h>, <pronghorn/pages.h>, <pronghorn/route.h> and
 * <pronghorn/background.h> explain them. Included by <pronghorn/app.hpp>.
 *
 *	static void greet(ph::Call call) {
 *		ph::Session session(call);
 *
 *		session.set("visits", session.get("visits").integer() + 1);
 *	}
 *	static void get_thing(ph::Call call) {
 *		ph::Request request(call);
 *
 *		request.json(200, ph::Value::object({
 *		    { "id", request.path_arg("id") } }));
 *	}
 */
#include <pronghorn/call.hpp>

#include <optional>

namespace ph {

/* The session of a call. What cannot be stored throws. */
class Session {
public:
	explicit Session(Call call) : call_(call) {}
	std::string id() const { return ph_session_id(call_); }
	std::string user() const { return ph_user(call_); }
	void set_user(Text name) const
	{
		check(ph_set_user(call_, name.get()), "the user");
	}
	Value get(Text name) const
	{
		return ph_session_get(call_, name.get());
	}
	void set(Text name, Value value) const
	{
		check(ph_session_set(call_, name.get(), value), name.get());
	}
	bool remove(Text name) const
	{
		return ph_session_delete(call_, name.get());
	}
	void rotate() const { check(ph_session_rotate(call_), "its id"); }
	void end() const { check(ph_session_end(call_), "its end"); }
	/* What was memoized for it. */
	void forget() const
	{
		check(ph_session_forget(call_), "that it is forgotten");
	}
	/* A handle for the page; the value stays here. */
	Value store(Value value) const
	{
		return ph_store_on_server(call_, value);
	}
	/* How many sessions there are, and how many the server keeps. */
	int64_t count() const { return ph_session_count(call_); }
	int64_t limit() const { return ph_session_limit(call_); }
	/* Why an input with such a handle was null; "" when it was not. */
	std::string lost(Name what) const
	{
		return ph_lost(call_, what.get());
	}

private:
	static void check(bool stored, const char *what)
	{
		if (!stored)
			throw std::runtime_error(
			    std::string("the session does not take ") + what);
	}

	Call call_;
};

/* The request of a handler of App::route(), and its response. */
class Request {
public:
	explicit Request(Call call) : call_(call) {}
	std::string method() const { return ph_method(call_); }
	std::string path() const { return ph_path(call_); }
	std::string path_arg(Text name) const
	{
		return ph_path_arg(call_, name.get());
	}
	std::string query_arg(Text name) const
	{
		return ph_query_arg(call_, name.get());
	}
	std::string form_arg(Text name) const
	{
		return ph_form_arg(call_, name.get());
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
	/* Lives as long as the call. */
	std::string_view body() const
	{
		std::size_t len = 0;
		const void *bytes = ph_body(call_, &len);

		return std::string_view(static_cast<const char *>(bytes), len);
	}
	Value body_json() const { return ph_body_json(call_); }
	/* A private file with the body, gone when the request is answered. */
	std::string body_path() const { return ph_body_path(call_); }
	/* The same for a part of a form, or any bytes. */
	std::string path_of(std::string_view bytes) const
	{
		return ph_bytes_path(call_, bytes.data(), bytes.size());
	}
	/* Fields and files of a form. */
	std::vector<struct ph_part> parts() const
	{
		std::vector<struct ph_part> list(ph_form_count(call_));

		for (std::size_t i = 0; i < list.size(); i++)
			(void)ph_form_part(call_, i, &list[i]);
		return list;
	}

	/* The first file of that name in the form. */
	std::optional<struct ph_part> file(Name name) const
	{
		struct ph_part part = {};

		return ph_form_file(call_, name.get(), &part)
			   ? std::optional<struct ph_part>(part)
			   : std::nullopt;
	}
	/* Into a new file; one that is there ends the call as an error. */
	void save(std::string_view bytes, Name path) const
	{
		(void)ph_save(call_, bytes.data(), bytes.size(), path.get());
	}

	void respond(int status, Text type, std::string_view bytes) const
	{
		(void)ph_respond(call_, status, type.get(), bytes.data(),
		    bytes.size());
	}
	void more(std::string_view bytes) const
	{
		(void)ph_respond_more(call_, bytes.data(), bytes.size());
	}
	void json(int status, Value value) const
	{
		(void)ph_respond_json(call_, status, value);
	}
	void text(int status, const char *text) const
	{
		(void)ph_respond_text(call_, status, text);
	}
	void text(int status, std::string_view text) const
	{
		respond(status, "text/plain; charset=utf-8", text);
	}
	/* Go on with the rows of a query as CSV. */
	template <typename... Arguments>
	void csv(Name sql, Arguments... arguments) const
	{
		const struct ph_value *list[] = { Value(arguments)..., nullptr };

		(void)ph_host_->routes->respond_csv(call_, sql.get(), list,
		    sizeof...(arguments));
	}
	/* A file from the disk; with `save_as` the browser saves it. */
	void file(Name path, Name type, Name save_as = nullptr) const
	{
		(void)ph_respond_file(call_, path.get(), type.get(),
		    save_as.get());
	}
	void header(Name name, Name value) const
	{
		(void)ph_respond_header(call_, name.get(), value.get());
	}
	void set_cookie(Name name, Name value,
	    const Cookie &cookie = Cookie()) const
	{
		call_.set_cookie(name, value, cookie);
	}

private:
	Call call_;
};

/* Inside a background callback: see ph::Call. */
inline bool
cancelled(Call call)
{
	return call.cancelled();
}

/* ph::progress(call, { { "bar.value", 3 } }) */
inline void
progress(Call call, Members list)
{
	(void)call.set_progress(list);
}

/* In layouts of an app with pages. */
inline Value
page_container()
{
	return ph_page_container();
}

/* All pages, in the order of menus. */
inline std::vector<struct ph_page_info>
pages(Call call)
{
	std::vector<struct ph_page_info> list;

	for (std::size_t i = 0; i < ph_page_count(call); i++)
		list.push_back(*ph_page_at(call, i));
	return list;
}

/* The path of a file beside the app's .so. */
inline std::string
app_file(Name name)
{
	return ph_app_file(name.get());
}

inline std::string
href(Text path)
{
	return ph_href(path.get());
}

} /* namespace ph */

#endif
