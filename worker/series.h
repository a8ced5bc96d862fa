/* SPDX-License-Identifier: MIT */
#ifndef WORKER_SERIES_H
#define WORKER_SERIES_H

#include <stddef.h>
#include <stdint.h>

/*
 * Which points of a long series to draw. Both write ascending indices of
 * points to keep to `keep`, which has room for `points` of them, and return
 * how many. x NULL: 0, 1, 2 ... NaN counts as no point.
 *
 * Cost: one pass. THREADS  Any; pure.
 */

/*
 * Largest triangle three buckets: Sveinn Steinarsson, "Downsampling Time
 * Series for Visual Representation", University of Iceland, 2013, section
 * 4.2. First and last point stay; of each bucket the point that spans the
 * largest triangle with the one kept before and the mean of the next bucket.
 */
size_t series_lttb(const double *x, const double *y, size_t count,
    size_t points, uint32_t *keep);

/* Of each of points / 2 buckets the least and the greatest, in their order. */
size_t series_min_max(const double *y, size_t count, size_t points,
    uint32_t *keep);

#endif
