/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_DATA_HPP
#define PRONGHORN_DATA_HPP

/*
 * Pronghorn SDK for C++17: tables, CSV, pages of a DataTable, long series, as
 * <pronghorn/data.h> explains them. Included by <pronghorn/app.hpp>.
 *
 *	ph::Value t = ph::read_csv(call, ph::Csv("trips.csv").separator(';'));
 *	ph::TablePage page("trips");
 *	ph::Value rows = page.page(call.input("t.page_current"))
 *	    .sort(call.input("t.sort_by")).read(call);
 */
#include <pronghorn/call.hpp>

namespace ph {

/* A CSV file, or how CSV is written. */
class Csv {
public:
	Csv() : options_() {}
	Csv(const char *path) : options_() { options_.path = Text(path).get(); }
	Csv(const std::string &path) : options_()
	{
		options_.path = Text(path).get();
	}
	/* The content itself, in place of a file. */
	static Csv of_text(Value text)
	{
		Csv csv;

		csv.options_.text = text;
		return csv;
	}
	Csv &separator(char v) { options_.separator = v; return *this; }
	Csv &decimal(char v) { options_.decimal = v; return *this; }
	Csv &no_header(bool v = true) { options_.no_header = v; return *this; }
	Csv &texts_only(bool v = true) { options_.texts_only = v; return *this; }
	const struct ph_csv_options &get() const { return options_; }

private:
	struct ph_csv_options options_;
};

/* A file or text into a table; by its path alone, or with ph::Csv(). */
inline Value
read_csv(Call call, const Csv &csv)
{
	return ph_read_csv_(call, csv.get());
}

/* In a create function: into a table of the database. */
inline void
import_csv(Call call, Name table, const Csv &csv)
{
	(void)ph_import_csv_(call, table.get(), csv.get());
}

/* A table as CSV, a text. */
inline Value
csv(Value table, const Csv &how = Csv())
{
	return ph_csv_text_(table, how.get());
}

/* A table of columns of equal length: ph::table({ { "x", x } }). */
inline Value
table(Members columns)
{
	Rows<const char *> names;
	Rows<const struct ph_value *> values;

	for (const auto &column : columns) {
		names.push_back(column.first);
		values.push_back(column.second);
	}
	return ph_host_->data->table_new(names.data(), values.data(),
	    names.size());
}

/* One page of a database table for a DataTable with custom actions. */
class TablePage {
public:
	explicit TablePage(Text table)
	    : table_(table.get()), options_(), pages_(0), rows_(0)
	{
	}
	TablePage &columns(Text v) { options_.columns = v.get(); return *this; }
	TablePage &page(Value v) { options_.page = v; return *this; }
	TablePage &size(Value v) { options_.size = v; return *this; }
	TablePage &sort(Value v) { options_.sort = v; return *this; }
	TablePage &filter(Value v) { options_.filter = v; return *this; }
	TablePage &order(Text v) { options_.order = v.get(); return *this; }
	/* Its rows; the two below are known afterwards. */
	Value read(Call call)
	{
		options_.pages = &pages_;
		options_.rows = &rows_;
		return ph_table_page_(call, table_, options_);
	}
	int64_t pages() const { return pages_; }
	int64_t rows() const { return rows_; }

private:
	const char *table_;
	struct ph_table_page_options options_;
	int64_t pages_;
	int64_t rows_;
};

/* A long series in about `points` points: columns x and y. x may be null. */
inline Value
downsample(Call call, Value x, Value y, std::size_t points,
    enum ph_downsampling method = PH_LTTB)
{
	return ph_downsample(call, x.is_null() ? nullptr : x.get(), y, points,
	    method);
}

/* Rows and columns of numbers, row by row, as z of a heatmap. */
inline Value
grid(const std::vector<double> &cells, std::size_t columns)
{
	return ph_grid(cells.data(), columns > 0 ? cells.size() / columns : 0,
	    columns);
}

} /* namespace ph */

#endif
