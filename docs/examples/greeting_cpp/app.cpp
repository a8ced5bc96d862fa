/* SPDX-License-Identifier: MIT */

/*
 * The same server from C++: builders, values that convert, exceptions.
 *
 * A name and a number of throws; the throws are memoized, so that everybody
 * who asks for the same number sees the same dice.
 */
#include <random>
#include <stdexcept>

#include <pronghorn/app.hpp>
#include <pronghorn/dcc.hpp>
#include <pronghorn/html.hpp>

/* How often each sum of two dice came, in `arg(0)` throws. */
static void
throw_dice(ph::Call call)
{
	int64_t throws = call.arg(0).integer();
	std::mt19937 random(static_cast<unsigned>(throws));
	std::uniform_int_distribution<int> die(1, 6);
	std::vector<double> counts(11);

	if (throws < 1 || throws > 1000000)
		throw std::out_of_range("throw between 1 and 1,000,000 times");
	call.log("Throwing " + std::to_string(throws) + " times");
	for (int64_t i = 0; i < throws; i++)
		counts[static_cast<size_t>(die(random) + die(random) - 2)]++;
	call.result(ph::Value::array(counts));
}

static void
greet(ph::Call call)
{
	std::string name = call.input("name.value").str();

	if (name.empty())
		ph::no_update();
	call.output("greeting.children", "Good luck, " + name + "!");
}

static void
draw(ph::Call call)
{
	ph::Value counts = call.memo<throw_dice>(call.input("throws.value"));

	call.output("dice.figure",
	    ph::Figure()
		.add(ph::Trace::bar()
			 .x(ph::Value{ 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 })
			 .y(counts))
		.x_title("Sum of two dice").margin(45));
	call.output("error.children", "");
}

/* Whatever has been thrown, until something works. */
static void
show_error(ph::Call call)
{
	call.set_props("error", "children", "This did not work: " + call.error());
}

static ph::Value
page(ph::Call)
{
	return html::Main().className("container").children({
	    html::H1().children("Two dice"),
	    html::Label().children("Your name").htmlFor("name"),
	    dcc::Input().id("name").value("Ada").type("text"),
	    html::P().id("greeting"),
	    html::Label().children("Throws").htmlFor("throws"),
	    dcc::Dropdown().id("throws").value(1000).clearable(false)
		.options(ph::Value{ 10, 1000, 100000 }),
	    html::P().id("error").role("alert"),
	    dcc::Graph().id("dice"),
	});
}

PH_APP(app)
{
	ph::App two_dice(app);

	two_dice.title("Two dice").layout<page>();
	two_dice.memoize<throw_dice>("throw_dice", PH_FOREVER);
	two_dice.callback<greet>("greet").output("greeting.children")
	    .input("name.value");
	two_dice.callback<draw>("draw").output("dice.figure")
	    .output("error.children").input("throws.value");
	two_dice.on_error<show_error>();
}
