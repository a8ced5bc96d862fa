/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_VALUE_HPP
#define PRONGHORN_VALUE_HPP

/*
 * Pronghorn SDK for C++17: values, texts and ids, as <pronghorn/app.h> and
 * <pronghorn/data.h> explain them. Included by <pronghorn/app.hpp>.
 *
 * MEMORY    A ph::Value is a pointer: copy it freely. What it points to lives
 *           as long as the call that made it.
 */
#include <pronghorn/app.h>

#include <cstdlib>
#include <initializer_list>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace ph {

/* C ends a name at its first NUL: an error, not a part of it. */
inline const char *
whole(const std::string &text)
{
	if (text.find('\0') != std::string::npos)
		throw std::invalid_argument(
		    "a NUL in a name: \"" + text.substr(0, text.find('\0')) +
		    "\" is not all of it");
	return text.c_str();
}

/* A text that is only read while it is given: a name, an id, a path. */
class Name {
public:
	Name(const char *text) : text_(text) {}
	Name(const std::string &text) : text_(whole(text)) {}
	const char *get() const { return text_; }

private:
	const char *text_;
};

/*
 * Rows of C until they are handed over. A std::vector would do the same with
 * six times as many functions to compile, for each type and in each app.
 */
template <typename T>
class Rows {
public:
	Rows() = default;
	Rows(const Rows &) = delete;
	Rows &operator=(const Rows &) = delete;
	~Rows() { std::free(rows_); }
	void push_back(T row)
	{
		if (size_ == room_)
			grow(room_ > 0 ? 2 * room_ : 8);
		rows_[size_++] = row;
	}
	bool empty() const { return size_ == 0; }
	std::size_t size() const { return size_; }
	T *data() { return rows_; }

private:
	void grow(std::size_t room)
	{
		void *more = std::realloc(rows_, room * sizeof(T));

		if (more == nullptr)
			throw std::bad_alloc();
		rows_ = static_cast<T *>(more);
		room_ = room;
	}

	T *rows_ = nullptr;
	std::size_t size_ = 0;
	std::size_t room_ = 0;
};

/* A conversion to bool and to nothing that a bool would become. */
template <typename T>
using IfBool = std::enable_if_t<std::is_same_v<T, bool>, int>;

/*
 * Any value: made of what C++ has by itself, and read by name, str() and so on,
 * as what is there need not be what is asked for. It passes for the pointer
 * that C wants but not for a condition or a number: what would look at the
 * pointer does not compile, and the comment at that line says what does.
 */
class Value {
	/* A pointer to what has nothing to do with values. */
	template <typename T>
	static constexpr bool is_foreign =
	    !std::is_convertible_v<T *, const char *> &&
	    !std::is_convertible_v<T *, const struct ph_value *>;

public:
	Value() : value_(ph_null()) {}
	Value(std::nullptr_t) : value_(ph_null()) {}
	Value(const struct ph_value *value) : value_(value) {}
	Value(bool flag) : value_(ph_bool(flag)) {}
	Value(int number) : value_(ph_int(number)) {}
	Value(unsigned number) : value_(ph_int(number)) {}
	Value(long number) : value_(ph_int(number)) {}
	Value(long long number) : value_(ph_int(number)) {}
	/* Beyond 2^63 - 1 the call fails; see ph_uint(). */
	Value(unsigned long number) : value_(ph_uint(number)) {}
	Value(unsigned long long number) : value_(ph_uint(number)) {}
	Value(double number) : value_(ph_number(number)) {}
	Value(const char *text) : value_(ph_text(text)) {}
	Value(const std::string &text)
	    : value_(ph_text_n(text.data(), text.size()))
	{
	}
	Value(std::string_view text)
	    : value_(ph_text_n(text.data(), text.size()))
	{
	}
	template <typename T, std::enable_if_t<is_foreign<T>, int> = 0>
	Value(T *) = delete; /* a pointer is no value: it would be true */
	Value(char) = delete; /* a letter is no value: it would be its number */
	Value(wchar_t) = delete;  /* a letter is no value */
	Value(char16_t) = delete; /* a letter is no value */
	Value(char32_t) = delete; /* a letter is no value */
	/* A list: { 1, "two", nullptr }. {} is null; see list({}). */
	Value(std::initializer_list<Value> items)
	    : value_(of_items(items.begin(), items.size()))
	{
	}
	template <typename T>
	Value(const std::vector<T> &items)
	{
		std::vector<Value> values(items.begin(), items.end());

		value_ = of_items(values.data(), values.size());
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
	static Value array(const std::vector<int64_t> &items)
	{
		return ph_int64s(items.data(), items.size());
	}
	static Value array(const std::vector<int32_t> &items)
	{
		return ph_int32s(items.data(), items.size());
	}
	/* An object: ph::Value::object({ { "name", 1 } }). */
	static Value
	object(std::initializer_list<std::pair<const char *, Value>> members)
	{
		Rows<struct ph_member> list;

		for (const auto &member : members)
			list.push_back({ member.first, member.second });
		return ph_host_->make_members(list.data(), list.size());
	}
	/* An object whose members are known when it runs. */
	static Value
	object_of(const std::vector<std::pair<std::string, Value>> &members)
	{
		Rows<const char *> names;
		Rows<const struct ph_value *> values;

		for (const auto &member : members) {
			names.push_back(whole(member.first));
			values.push_back(member.second);
		}
		return ph_object(names.data(), values.data(), names.size());
	}
	/* JSON of the program's own; PH_JSON({ "a": 1 }) needs no quoting. */
	static Value json(Name text) { return ph_json(text.get()); }

	operator const struct ph_value *() const { return value_; }
	template <typename T, IfBool<T> = 0>
	operator T() const = delete; /* ask by boolean() or is_null() */
	const struct ph_value *get() const { return value_; }

	bool is_null() const { return ph_is_null(value_); }
	/* "", NaN, 0 or false when it is of another kind. */
	std::string str() const
	{
		return std::string(ph_text_of(value_), ph_text_len_of(value_));
	}
	double number() const { return ph_number_of(value_); }
	int64_t integer() const { return ph_int_of(value_); }
	bool boolean() const { return ph_bool_of(value_); }
	std::size_t size() const { return ph_count_of(value_); }
	Value at(std::size_t index) const { return ph_at(value_, index); }
	Value member(Name name) const
	{
		return ph_member(value_, name.get());
	}
	/* The name of an object's n-th member; "" beyond its end. */
	std::string name_at(std::size_t index) const
	{
		return ph_name_at(value_, index);
	}
	/* The numbers of a list, column or typed array. */
	std::vector<double> numbers() const
	{
		const double *items = nullptr;
		std::size_t count = ph_numbers_of(value_, &items);

		return std::vector<double>(items, items + count);
	}
	/* A list, {} an empty one. */
	static Value list(std::initializer_list<Value> items)
	{
		return of_items(items.begin(), items.size());
	}
	/* An array, column or typed array as a plain list. */
	Value list() const { return ph_list_of(value_); }
	/* A date as ph::date() makes one, in seconds since 1970; else NaN. */
	double seconds() const { return ph_time_of(value_); }

	/* Of a table: the forms that other programs know, and one cell. */
	Value split() const { return ph_split(value_); }
	Value columns() const { return ph_columns(value_); }
	Value cell(std::size_t row, Name column) const
	{
		return ph_cell(value_, row, column.get());
	}
	/* A table again from one of these forms; null when it is none. */
	Value table() const { return ph_table_of(value_); }
	/* Its JSON as a text, and a text's JSON as a value, null if none. */
	Value json_text() const { return ph_json_text(value_); }
	Value json_parse() const { return ph_json_parse(value_); }

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
	static const struct ph_value *of_items(const Value *items,
	    std::size_t count)
	{
		Rows<const struct ph_value *> values;

		for (std::size_t i = 0; i < count; i++)
			values.push_back(items[i]);
		return ph_list(values.data(), values.size());
	}

	const struct ph_value *value_;
};

/* Of two values only the addresses could be compared: if (a.number() < 3) ... */
template <typename A, typename B>
using Comparison = std::enable_if_t<
    std::is_same_v<A, Value> || std::is_same_v<B, Value>, bool>;
template <typename A, typename B> Comparison<A, B>
operator==(const A &, const B &) = delete; /* by str(), number(), integer() */
template <typename A, typename B> Comparison<A, B>
operator!=(const A &, const B &) = delete; /* by str(), number(), integer() */
template <typename A, typename B> Comparison<A, B>
operator<(const A &, const B &) = delete; /* by str(), number(), integer() */
template <typename A, typename B> Comparison<A, B>
operator>(const A &, const B &) = delete; /* by str(), number(), integer() */
template <typename A, typename B> Comparison<A, B>
operator<=(const A &, const B &) = delete; /* by str(), number(), integer() */
template <typename A, typename B> Comparison<A, B>
operator>=(const A &, const B &) = delete; /* by str(), number(), integer() */

/* A text for a property: kept by the call, so a temporary may be given. */
class Text {
public:
	/* nullptr stays what it is: not given. */
	Text(const char *text)
	    : text_(text != nullptr ? ph_text_of(ph_text(text)) : nullptr)
	{
	}
	Text(const std::string &text) : Text(whole(text)) {}
	const char *get() const { return text_; }

private:
	const char *text_;
};

/* For properties that may also not be given. */
inline enum ph_bool
flag(bool on)
{
	return on ? PH_TRUE : PH_FALSE;
}

/* Seconds since 1970 (UTC) as the text that plotly and dcc take. */
inline Value
date(double seconds)
{
	return ph_time(seconds);
}

/* The id { "index": index, "type": type } of one component. */
inline const char *
id(Name type, Value index)
{
	return ph_id(type.get(), index);
}

/* Patterns of such ids: ph::match("btn") + ".n_clicks"; see PH_MATCH(). */
inline std::string
match(const std::string &type)
{
	return "{\"index\":MATCH,\"type\":\"" + type + "\"}";
}

inline std::string
all(const std::string &type)
{
	return "{\"index\":ALL,\"type\":\"" + type + "\"}";
}

inline std::string
all_smaller(const std::string &type)
{
	return "{\"index\":ALLSMALLER,\"type\":\"" + type + "\"}";
}

} /* namespace ph */

#endif
