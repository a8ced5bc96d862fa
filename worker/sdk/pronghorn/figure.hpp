/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_FIGURE_HPP
#define PRONGHORN_FIGURE_HPP

/*
 * Pronghorn SDK for C++17: figures and tables, as <pronghorn/figure.h> and
 * <pronghorn/data.h> explain them. Included by <pronghorn/app.hpp>.
 *
 *	ph::Value t = call.query("SELECT day, km FROM trips");
 *	call.output("graph.figure", ph::Figure()
 *	    .add(ph::Trace("scatter").x(t.member("day")).y(t.member("km")))
 *	    .title("Trips").y_title("km").style("light"));
 */
#include <pronghorn/app.hpp>

namespace ph {

/* One trace of any of plotly's types. */
class Trace {
public:
	explicit Trace(Text type) : type_(type.get()), trace_() {}
	Trace &x(Value v) { trace_.x = v; return *this; }
	Trace &y(Value v) { trace_.y = v; return *this; }
	Trace &z(Value v) { trace_.z = v; return *this; }
	Trace &labels(Value v) { trace_.labels = v; return *this; }
	Trace &values(Value v) { trace_.values = v; return *this; }
	Trace &text(Value v) { trace_.text = v; return *this; }
	Trace &customdata(Value v) { trace_.customdata = v; return *this; }
	Trace &colors(Value v) { trace_.colors = v; return *this; }
	Trace &sizes(Value v) { trace_.sizes = v; return *this; }
	Trace &name(Text v) { trace_.name = v.get(); return *this; }
	Trace &mode(Text v) { trace_.mode = v.get(); return *this; }
	Trace &color(Text v) { trace_.color = v.get(); return *this; }
	Trace &colorscale(Text v) { trace_.colorscale = v.get(); return *this; }
	Trace &hover(Text v) { trace_.hover = v.get(); return *this; }
	Trace &opacity(double v) { trace_.opacity = v; return *this; }
	Trace &size(double v) { trace_.size = v; return *this; }
	Trace &width(double v) { trace_.width = v; return *this; }
	Trace &more(Value v) { trace_.more = v; return *this; }
	/* All other fields by their C names. */
	struct ph_trace &options() { return trace_; }
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
	Figure &style(Text v) { layout_.style = v.get(); return *this; }
	Figure &revision(Text v) { layout_.revision = v.get(); return *this; }
	Figure &height(double v) { layout_.height = v; return *this; }
	Figure &margin(double v) { layout_.margin = v; return *this; }
	/* All other fields by their C names. */
	struct ph_figure_options &options() { return layout_; }
	operator Value() const
	{
		ph_figure_arrange_(figure_, layout_);
		return ph_figure_value(figure_);
	}

private:
	struct ph_figure *figure_;
	struct ph_figure_options layout_;
};

/* Rows and columns of numbers, row by row, as z of a heatmap. */
inline Value
grid(const std::vector<double> &cells, std::size_t columns)
{
	return ph_grid(cells.data(), columns > 0 ? cells.size() / columns : 0,
	    columns);
}

/* A table of columns of equal length: ph::table({ { "x", x } }). */
inline Value
table(std::initializer_list<std::pair<const char *, Value>> columns)
{
	std::vector<const char *> names;
	std::vector<const struct ph_value *> values;

	for (const auto &column : columns) {
		names.push_back(column.first);
		values.push_back(column.second);
	}
	return ph_host_->data->table_new(names.data(), values.data(),
	    names.size());
}

inline Value
read_csv(Call call, Text path)
{
	struct ph_csv_options options = {};

	options.path = path.get();
	return ph_read_csv_(call, options);
}

inline void
import_csv(Call call, Text table, Text path)
{
	struct ph_csv_options options = {};

	options.path = path.get();
	(void)ph_import_csv_(call, table.get(), options);
}

inline Value
csv(Value table)
{
	struct ph_csv_options options = {};

	return ph_csv_text_(table, options);
}

inline Value
downsample(Call call, Value x, Value y, std::size_t points,
    enum ph_downsampling method = PH_LTTB)
{
	return ph_downsample(call, x, y, points, method);
}

} /* namespace ph */

#endif
