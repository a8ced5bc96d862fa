/* SPDX-License-Identifier: MIT */

/*
 * Moments as texts, as plotly and dcc write dates: ISO 8601, always UTC.
 * The days of the Gregorian calendar are counted by the rule of 400 years
 * (Hinnant, "chrono-compatible low-level date algorithms"), so no time zone
 * of the process and no lock of the C library has a part in it.
 *
 * THREADS  Any; pure.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "worker/host_data.h"

#define DAY INT64_C(86400)
#define YEAR_MAX 9999

static int64_t
days_from_civil(int64_t year, unsigned month, unsigned day)
{
	int64_t era;
	unsigned year_of_era;
	unsigned day_of_year;

	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	year_of_era = (unsigned)(year - era * 400);
	day_of_year =
	    (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * 146097 + (int64_t)year_of_era * 365 + year_of_era / 4 -
	       year_of_era / 100 + day_of_year - 719468;
}

static void
civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
	int64_t era;
	unsigned of_era;
	unsigned year_of_era;
	unsigned of_year;
	unsigned shifted;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	of_era = (unsigned)(days - era * 146097);
	year_of_era =
	    (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	of_year =
	    of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	shifted = (5 * of_year + 2) / 153;
	*day = of_year - (153 * shifted + 2) / 5 + 1;
	*month = shifted < 10 ? shifted + 3 : shifted - 9;
	*year = (int64_t)year_of_era + era * 400 + (*month <= 2);
}

void
moment_print(double seconds, char text[MOMENT_TEXT])
{
	int64_t millis;
	int64_t days;
	int64_t rest;
	int64_t year;
	unsigned month;
	unsigned day;
	int len;

	text[0] = '\0';
	if (!(fabs(seconds) < 253402300800.0)) /* the year 10000 */
		return;
	millis = (int64_t)llround(seconds * 1000);
	days = millis / (DAY * 1000);
	rest = millis % (DAY * 1000);
	if (rest < 0) {
		rest += DAY * 1000;
		days--;
	}
	civil_from_days(days, &year, &month, &day);
	if (year < 0 || year > YEAR_MAX)
		return;
	len = snprintf(text, MOMENT_TEXT, "%04d-%02u-%02uT%02d:%02d:%02d",
	    (int)year, month, day, (int)(rest / 3600000),
	    (int)(rest / 60000 % 60), (int)(rest / 1000 % 60));
	if (rest % 1000 != 0)
		(void)snprintf(text + len, MOMENT_TEXT - (size_t)len, ".%03d",
		    (int)(rest % 1000));
}

/* `digits` digits at *at; -1 when they are not there. */
static int
take_digits(const char **at, unsigned digits)
{
	int number = 0;

	for (; digits > 0; digits--, (*at)++) {
		if (**at < '0' || **at > '9')
			return -1;
		number = number * 10 + (**at - '0');
	}
	return number;
}

static bool
take_char(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

static unsigned
days_in(int year, int month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31,
		30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

/* hh:mm[:ss[.fraction]]; false: it is not one. */
static bool
parse_clock(const char **at, double *seconds)
{
	int hour = take_digits(at, 2);
	int minute;
	int second = 0;
	double scale = 0.1;

	if (hour < 0 || hour > 23 || !take_char(at, ':'))
		return false;
	minute = take_digits(at, 2);
	if (take_char(at, ':'))
		second = take_digits(at, 2);
	if (minute < 0 || minute > 59 || second < 0 || second > 60)
		return false;
	*seconds = hour * 3600 + minute * 60 + second;
	if (second >= 0 && take_char(at, '.')) {
		for (; **at >= '0' && **at <= '9'; (*at)++, scale /= 10)
			*seconds += scale * (**at - '0');
	}
	return true;
}

/* Z, +hh:mm, +hhmm or nothing, in seconds east. */
static bool
parse_zone(const char **at, double *east)
{
	bool west = **at == '-';
	int hours;
	int minutes;

	*east = 0;
	if (take_char(at, 'Z') || **at == '\0')
		return true;
	if (!take_char(at, '+') && !take_char(at, '-'))
		return false;
	hours = take_digits(at, 2);
	(void)take_char(at, ':');
	minutes = take_digits(at, 2);
	if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59)
		return false;
	*east = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
	return true;
}

double
moment_parse(const char *text)
{
	const char *at = text;
	double clock = 0;
	double east = 0;
	int year = take_digits(&at, 4);
	int month = year >= 0 && take_char(&at, '-') ? take_digits(&at, 2) : -1;
	int day = month > 0 && take_char(&at, '-') ? take_digits(&at, 2) : -1;

	if (month < 1 || month > 12 || day < 1 ||
	    (unsigned)day > days_in(year, month))
		return NAN;
	if (*at != '\0') {
		if ((!take_char(&at, 'T') && !take_char(&at, ' ')) ||
		    !parse_clock(&at, &clock) || !parse_zone(&at, &east) ||
		    *at != '\0')
			return NAN;
	}
	return (double)(days_from_civil(year, (unsigned)month, (unsigned)day) *
			DAY) +
	       clock - east;
}
