/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_CACHE_HPP
#define PRONGHORN_CACHE_HPP

/*
 * Pronghorn SDK for C++17: an app's own entries in the cache, and patches, as
 * <pronghorn/cache.h> and <pronghorn/patch.h> explain them. Included by
 * <pronghorn/app.hpp>. Memoized functions: ph::Call::memo().
 *
 *	ph::Cache cache(call);
 *
 *	cache.set("limits", limits, ph::Keep(60).tag("sensors"));
 *	call.output("graph.figure", ph::Patch()
 *	    .assign("layout.title.text", "Now").append("data[0].y", 4.0));
 */
#include <pronghorn/call.hpp>

#include <optional>

namespace ph {

/* How long an entry lives: seconds; 0: cache_default_timeout; PH_FOREVER. */
class Keep {
public:
	Keep(double seconds = 0) : options_() { options_.timeout = seconds; }
	Keep &timeout(double seconds)
	{
		options_.timeout = seconds;
		return *this;
	}
	Keep &tag(Text tag)
	{
		options_.tag = tag.get();
		return *this;
	}
	const struct ph_cache_options &get() const { return options_; }

private:
	struct ph_cache_options options_;
};

/* The entries; a false result says that nothing has changed. */
class Cache {
public:
	explicit Cache(Call call) : call_(call) {}
	/* Without a value: there is no such entry. */
	std::optional<Value> get(Name key) const
	{
		const struct ph_value *value = ph_cache_get(call_, key.get());

		return value != nullptr ? std::optional<Value>(value)
					: std::nullopt;
	}
	/* Several as of one moment: a list, null where there is none. */
	Value get_many(const std::vector<std::string> &keys) const
	{
		Rows<const char *> list;

		for (const std::string &key : keys)
			list.push_back(whole(key));
		return ph_host_->cache->get_many(call_, list.data(),
		    list.size());
	}
	bool set(Name key, Value value, const Keep &keep = Keep()) const
	{
		return ph_cache_put_(call_, ph_host_->cache->set, key.get(),
		    value, keep.get());
	}
	/* Only if there is none yet. */
	bool add(Name key, Value value, const Keep &keep = Keep()) const
	{
		return ph_cache_put_(call_, ph_host_->cache->add, key.get(),
		    value, keep.get());
	}
	/* Every member of an object, all or none. */
	bool set_many(Value members, const Keep &keep = Keep()) const
	{
		return ph_cache_put_many_(call_, members, keep.get());
	}
	bool remove(Name key) const
	{
		return ph_cache_delete(call_, key.get());
	}
	/* Take it out: of several at once one gets it. */
	std::optional<Value> pop(Name key) const
	{
		const struct ph_value *value = ph_cache_pop(call_, key.get());

		return value != nullptr ? std::optional<Value>(value)
					: std::nullopt;
	}
	/* Compare and set: in the place of what get() gave. */
	bool cas(Name key, const std::optional<Value> &expected, Value value,
	    const Keep &keep = Keep()) const
	{
		return ph_cache_cas_(call_, key.get(),
		    expected ? static_cast<const struct ph_value *>(*expected)
			     : nullptr,
		    value, keep.get());
	}
	/* A new life from now on. */
	bool touch(Name key, const Keep &keep = Keep()) const
	{
		return ph_cache_touch_(call_, key.get(), keep.get());
	}
	/* The sum, exact whichever workers add at once. */
	std::optional<int64_t> increment(Name key, int64_t by = 1) const
	{
		int64_t sum = 0;

		return ph_cache_incr(call_, key.get(), by, &sum)
			   ? std::optional<int64_t>(sum)
			   : std::nullopt;
	}
	bool forget_tag(Name tag) const
	{
		return ph_forget_tag(call_, tag.get());
	}
	bool forget_all() const { return ph_forget_all(call_); }

private:
	Call call_;
};

/* Changes of a property instead of a new value; lives as long as the call. */
class Patch {
public:
	Patch() : patch_(ph_patch()) {}
	Patch &assign(Name path, Value v) { ph_patch_assign(patch_, path.get(), v); return *this; }
	Patch &merge(Name path, Value v) { ph_patch_merge(patch_, path.get(), v); return *this; }
	Patch &append(Name path, Value v) { ph_patch_append(patch_, path.get(), v); return *this; }
	Patch &prepend(Name path, Value v) { ph_patch_prepend(patch_, path.get(), v); return *this; }
	Patch &extend(Name path, Value v) { ph_patch_extend(patch_, path.get(), v); return *this; }
	Patch &insert(Name path, int64_t at, Value v) { ph_patch_insert(patch_, path.get(), at, v); return *this; }
	/* All items equal to this. */
	Patch &remove(Name path, Value v) { ph_patch_remove(patch_, path.get(), v); return *this; }
	/* The member or item itself. */
	Patch &erase(Name path) { ph_patch_delete_(patch_, path.get()); return *this; }
	Patch &clear(Name path) { ph_patch_clear(patch_, path.get()); return *this; }
	Patch &reverse(Name path) { ph_patch_reverse(patch_, path.get()); return *this; }
	Patch &add(Name path, Value v) { ph_patch_add(patch_, path.get(), v); return *this; }
	Patch &sub(Name path, Value v) { ph_patch_sub(patch_, path.get(), v); return *this; }
	Patch &mul(Name path, Value v) { ph_patch_mul(patch_, path.get(), v); return *this; }
	Patch &div(Name path, Value v) { ph_patch_div(patch_, path.get(), v); return *this; }
	operator Value() const { return ph_patched(patch_); }

private:
	struct ph_patch *patch_;
};

} /* namespace ph */

#endif
