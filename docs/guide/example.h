/* SPDX-License-Identifier: MIT */

/*
 * Included by a page in front of the app.c of an example, which is then part
 * of the guide: the same source that stands alone in docs/examples, with
 * GUIDE_PREFIX in front of its ids and of the names of its functions, since
 * two examples may call something the same. Its PH_APP() becomes the function
 * GUIDE_DEFINE, and its page is one part of ours.
 *
 * No include guard: it redefines names of the SDK for one file.
 */
#include "docs/guide/guide.h"

#undef PH_APP
#define PH_APP(name) static void GUIDE_DEFINE(struct ph_app *name)
#undef ph_layout
#define ph_title(app, title) ((void)(title))
#define ph_layout(app, function) ((void)(function))
#define ph_sessions(app) ((void)0)

#undef PH_OUTPUT
#undef PH_INPUT
#undef PH_STATE
#define PH_OUTPUT(what) (PH_MARK_OUTPUT_ GUIDE_PREFIX what)
#define PH_INPUT(what) (PH_MARK_INPUT_ GUIDE_PREFIX what)
#define PH_STATE(what) (PH_MARK_STATE_ GUIDE_PREFIX what)

#define ph_input(call, what) (ph_input)(call, guide_id(GUIDE_PREFIX, what))
#define ph_output(call, what, value) \
	(ph_output)(call, guide_id(GUIDE_PREFIX, what), value)
#define ph_set_props(call, id, property, value) \
	(ph_set_props)(call, guide_id(GUIDE_PREFIX, id), property, value)
#undef ph_output_figure
#define ph_output_figure(call, what, ...)                                  \
	ph_output_figure_(call, guide_id(GUIDE_PREFIX, what), __VA_ARGS__, \
	    PH_END_COLUMN_)

#undef ph_callback
#define ph_callback(app, function, ...)                        \
	ph_callback_add(app, function, GUIDE_PREFIX #function, \
	    (struct ph_callback_options){ __VA_ARGS__, .ph_end_ = false })
#undef ph_memoize
#define ph_memoize(app, function, ...)                        \
	ph_memoize_add(app, function, GUIDE_PREFIX #function, \
	    (struct ph_memoize_options){ __VA_ARGS__ })

/* The frame has the page's main and h1 already. */
#undef html_main
#define html_main(...) PH_COMPONENT_(html_div, __VA_ARGS__)
#undef html_h1
#define html_h1(...) PH_COMPONENT_(html_h2, __VA_ARGS__)

/* Every component has an id or none; it is the first that is written. */
#undef PH_COMPONENT_
#define PH_COMPONENT_(name, ...)                                             \
	__extension__({                                                      \
		struct name ph_props_ = { .ph_reserved_ = 0, __VA_ARGS__ };  \
		if (ph_props_.id != NULL)                                    \
			ph_props_.id = guide_id(GUIDE_PREFIX, ph_props_.id); \
		name##_new(ph_props_);                                       \
	})

/* Of what has no id of its own: the one it is for. */
#undef html_label
#define html_label(...)                                                \
	__extension__({                                                \
		struct html_label ph_props_ = { .ph_reserved_ = 0,     \
			__VA_ARGS__ };                                 \
		if (ph_props_.htmlFor != NULL)                         \
			ph_props_.htmlFor =                            \
			    guide_id(GUIDE_PREFIX, ph_props_.htmlFor); \
		html_label_new(ph_props_);                             \
	})
