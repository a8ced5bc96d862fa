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

#include <pronghorn/cache.hpp>
#include <pronghorn/call.hpp>
#include <pronghorn/data.hpp>
#include <pronghorn/define.hpp>
#include <pronghorn/figure.hpp>
#include <pronghorn/value.hpp>
#include <pronghorn/web.hpp>

#endif
