/* SPDX-License-Identifier: MIT */
#ifndef GUIDE_H
#define GUIDE_H

/*
 * Between the files of the guide: guide.c (the app and its frame), one file
 * per page, source.c (C in colours). The examples are compiled in as they are,
 * see example.h; prose is in text/, put in by the assembler, see EMBED().
 */
#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

/* A file, from the top of the tree, as a text that ends with a NUL. */
#define EMBED(name, file)                                     \
	extern const char name[];                             \
	__asm__(".pushsection .rodata\n"                      \
		".globl " #name "\n.hidden " #name "\n" #name \
		":\n.incbin \"" file "\"\n.byte 0\n.popsection\n")

/* What a page consists of. */
struct guide_page {
	const char *path;
	const char *name;             /* in the menu */
	const char *prose;            /* Markdown */
	const struct ph_value *live;  /* what runs there */
	const char *source_name;      /* of the source that is shown */
	const char *source;           /* NULL: none */
};

/* The page with menu and links to its neighbours. */
const struct ph_value *guide_frame(struct ph_call *call,
    const struct guide_page *page);

/* C source in colours; keyboards can scroll it. */
const struct ph_value *guide_source(const char *text);

/* An id of an example, with the prefix that keeps it apart from others. */
const char *guide_id(const char *prefix, const char *id);

/* One per page: what PH_APP() has to declare for it. */
void guide_why(struct ph_app *app);
void guide_browser(struct ph_app *app);
void guide_upfront(struct ph_app *app);
void guide_caching(struct ph_app *app);
void guide_session(struct ph_app *app);
void guide_tune(struct ph_app *app);

#endif
