/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_FIGURE_HPP
#define PRONGHORN_FIGURE_HPP

/*
 * Pronghorn SDK for C++17: figures, as <pronghorn/figure.h> explains them.
 * Included by <pronghorn/app.hpp>. Tables: <pronghorn/data.hpp>.
 *
 *	ph::Value t = call.query("SELECT day, km FROM trips");
 *	call.output("graph.figure", ph::Figure()
 *	    .add(ph::Trace("scatter").x(t.member("day")).y(t.member("km")))
 *	    .title("Trips").y_title("km").style("light"));
 */
#include <pronghorn/call.hpp>

namespace ph {

/* One trace of any of plotly's types; the common ones have a name here. */
class Trace {
public:
	explicit Trace(Text type) : type_(type.get()), trace_() {}
	static Trace scatter() { return Trace("scatter"); }
	static Trace scattergl() { return Trace("scattergl"); }
	static Trace bar() { return Trace("bar"); }
	static Trace histogram() { return Trace("histogram"); }
	static Trace histogram2d() { return Trace("histogram2d"); }
	static Trace histogram2dcontour() { return Trace("histogram2dcontour"); }
	static Trace heatmap() { return Trace("heatmap"); }
	static Trace contour() { return Trace("contour"); }
	static Trace box() { return Trace("box"); }
	static Trace violin() { return Trace("violin"); }
	static Trace pie() { return Trace("pie"); }
	static Trace candlestick() { return Trace("candlestick"); }
	static Trace surface() { return Trace("surface"); }
	static Trace scatter3d() { return Trace("scatter3d"); }
	static Trace scattergeo() { return Trace("scattergeo"); }
	static Trace choropleth() { return Trace("choropleth"); }
	static Trace line()
	{
		Trace trace("scatter");

		trace.trace_.mode = "lines";
		return trace;
	}
	Trace &x(Value v) { trace_.x = v; return *this; }
	Trace &y(Value v) { trace_.y = v; return *this; }
	Trace &z(Value v) { trace_.z = v; return *this; }
	Trace &labels(Value v) { trace_.labels = v; return *this; }
	Trace &values(Value v) { trace_.values = v; return *this; }
	Trace &open(Value v) { trace_.open = v; return *this; }
	Trace &high(Value v) { trace_.high = v; return *this; }
	Trace &low(Value v) { trace_.low = v; return *this; }
	Trace &close(Value v) { trace_.close = v; return *this; }
	Trace &lat(Value v) { trace_.lat = v; return *this; }
	Trace &lon(Value v) { trace_.lon = v; return *this; }
	Trace &locations(Value v) { trace_.locations = v; return *this; }
	Trace &geojson(Value v) { trace_.geojson = v; return *this; }
	Trace &text(Value v) { trace_.text = v; return *this; }
	Trace &customdata(Value v) { trace_.customdata = v; return *this; }
	Trace &colors(Value v) { trace_.colors = v; return *this; }
	Trace &sizes(Value v) { trace_.sizes = v; return *this; }
	Trace &error_x(Value v) { trace_.error_x = v; return *this; }
	Trace &error_y(Value v) { trace_.error_y = v; return *this; }
	Trace &name(Text v) { trace_.name = v.get(); return *this; }
	Trace &mode(Text v) { trace_.mode = v.get(); return *this; }
	Trace &color(Text v) { trace_.color = v.get(); return *this; }
	Trace &colorscale(Text v) { trace_.colorscale = v.get(); return *this; }
	Trace &symbol(Text v) { trace_.symbol = v.get(); return *this; }
	Trace &dash(Text v) { trace_.dash = v.get(); return *this; }
	Trace &shape(Text v) { trace_.shape = v.get(); return *this; }
	Trace &fill(Text v) { trace_.fill = v.get(); return *this; }
	Trace &orientation(Text v) { trace_.orientation = v.get(); return *this; }
	Trace &histnorm(Text v) { trace_.histnorm = v.get(); return *this; }
	Trace &box_points(Text v) { trace_.box_points = v.get(); return *this; }
	Trace &hover(Text v) { trace_.hover = v.get(); return *this; }
	Trace &x_axis(Text v) { trace_.x_axis = v.get(); return *this; }
	Trace &y_axis(Text v) { trace_.y_axis = v.get(); return *this; }
	Trace &scene(Text v) { trace_.scene = v.get(); return *this; }
	Trace &opacity(double v) { trace_.opacity = v; return *this; }
	Trace &size(double v) { trace_.size = v; return *this; }
	Trace &width(double v) { trace_.width = v; return *this; }
	Trace &hole(double v) { trace_.hole = v; return *this; }
	Trace &x_bins(int v) { trace_.x_bins = v; return *this; }
	Trace &y_bins(int v) { trace_.y_bins = v; return *this; }
	Trace &show_legend(bool v) { trace_.show_legend = flag(v); return *this; }
	Trace &show_scale(bool v) { trace_.show_scale = flag(v); return *this; }
	Trace &more(Value v) { trace_.more = v; return *this; }
	void add_to(struct ph_figure *figure) const
	{
		ph_trace_add_(figure, type_, trace_);
	}

private:
	const char *type_;
	struct ph_trace trace_;
};

/* A figure; lives as long as the call. */
class Figure {
public:
	Figure() : figure_(ph_figure()), layout_() {}
	Figure &add(const Trace &trace)
	{
		trace.add_to(figure_);
		return *this;
	}
	Figure &set(Text path, Value value)
	{
		ph_figure_set(figure_, path.get(), value);
		return *this;
	}
	Figure &title(Text v) { layout_.title = v.get(); return *this; }
	Figure &x_title(Text v) { layout_.x_title = v.get(); return *this; }
	Figure &y_title(Text v) { layout_.y_title = v.get(); return *this; }
	Figure &z_title(Text v) { layout_.z_title = v.get(); return *this; }
	Figure &x_type(Text v) { layout_.x_type = v.get(); return *this; }
	Figure &y_type(Text v) { layout_.y_type = v.get(); return *this; }
	Figure &x_range(Value v) { layout_.x_range = v; return *this; }
	Figure &y_range(Value v) { layout_.y_range = v; return *this; }
	Figure &bar_mode(Text v) { layout_.bar_mode = v.get(); return *this; }
	Figure &hover_mode(Text v) { layout_.hover_mode = v.get(); return *this; }
	Figure &style(Text v) { layout_.style = v.get(); return *this; }
	Figure &revision(Text v) { layout_.revision = v.get(); return *this; }
	Figure &height(double v) { layout_.height = v; return *this; }
	Figure &margin(double v) { layout_.margin = v; return *this; }
	Figure &show_legend(bool v) { layout_.show_legend = flag(v); return *this; }
	Figure &second_y(bool v) { layout_.second_y = flag(v); return *this; }
	Figure &more(Value v) { layout_.more = v; return *this; }
	operator Value() const
	{
		ph_figure_arrange_(figure_, layout_);
		return ph_figure_value(figure_);
	}

private:
	struct ph_figure *figure_;
	struct ph_figure_options layout_;
};

} /* namespace ph */

#endif
