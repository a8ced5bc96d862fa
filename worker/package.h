/* SPDX-License-Identifier: MIT */
#ifndef WORKER_PACKAGE_H
#define WORKER_PACKAGE_H

#include "worker/app.h"

/*
 * The component packages that an app names, and the files beside it.
 *
 * THREADS  Defined by the loading thread; ph_app_file() anywhere.
 */

/* Is the component one of the server's own, or of a package that the app
 * names? If not, that goes to app->problems, once per package. */
bool package_check(struct app *app, const struct ph_component_type *type);

extern const struct ph_package_host host_package_table;

#endif
