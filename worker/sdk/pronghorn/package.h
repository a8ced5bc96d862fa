/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_PACKAGE_H
#define PRONGHORN_PACKAGE_H

/*
 * Component packages of others, and the files that belong to an app.
 * Included by <pronghorn/app.h>, which says what holds for all of this.
 *
 * A package from npm is made ready once, beside the app:
 *
 *     node www/package.mjs dash-bootstrap-components@1.6.0 myapp
 *
 * writes myapp/dash_bootstrap_components.h and .hpp, which declare its
 * components as <pronghorn/dcc.h> does its own, and puts the scripts that
 * browsers need into myapp/packages. The app says that its page has them:
 *
 *     #include "dash_bootstrap_components.h"
 *
 *     ph_package(app, "dash_bootstrap_components");
 */
#include <pronghorn/app.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ph_package_host {
	uint32_t size;
	void (*package)(struct ph_app *app, const char *name);
	const char *(*file)(const char *name);
};

/*
 * Only inside PH_APP(): serve the scripts and style sheets of this package
 * and load them with the page, after the server's own and in the order of
 * these calls. `name` is that of its folder in `packages` beside the app (or
 * in the setting packages_folder), which is what its components call their
 * namespace. A package that is not there is an error at the start, and so is a
 * component in the layout whose package is not named.
 */
static inline void
ph_package(struct ph_app *app, const char *name)
{
	ph_host_->packages->package(app, name);
}

/*
 * The path of a file that lies beside the app's .so, wherever the server was
 * started: ph_read_csv(call, .path = ph_app_file("prices.csv")). Lives as
 * long as the call.
 */
static inline const char *
ph_app_file(const char *name)
{
	return ph_host_->packages->file(name);
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif
