// The tiles of narrow.c for vectors of LANES floats: ROWS by COLUMNS results, whose sums stay in registers while the
// inner dimension advances, of that at most INNER at a time, so that the rows of both sides stay in the first-level
// cache. Included once for each width, with add_up for it.

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define SHAPED(name) JOIN(name, LANES)

// A tile of y from the inner range [from, to); added to when that does not begin at 0.
LETHE_INLINE void SHAPED(tile)(const product *c, int64_t row, int64_t column, int64_t from, int64_t to) {
#pragma clang fp contract(fast)
    typedef SHAPED(lanes) lanes;
    const float *x = c->x + row * c->x_stride, *w = c->w + column * c->k;
    // The rows of w that the next columns need are fetched meanwhile, one for each tile of rows. Past the end of w that
    // does nothing.
    const float *ahead = w + (COLUMNS + row / ROWS) * c->k;
    lanes sums[MOST_SUMS] = {0};
    int64_t i = from;
    for (; i + LANES <= to; i += LANES) {
        __builtin_prefetch(ahead + i);
        lanes b[COLUMNS];
        for (int j = 0; j < COLUMNS; j++) b[j] = *(const lanes *)(w + j * c->k + i);
        for (int r = 0; r < ROWS; r++) {
            lanes a = *(const lanes *)(x + r * c->x_stride + i);
            for (int j = 0; j < COLUMNS; j++) sums[r * COLUMNS + j] += a * b[j];
        }
    }
    float totals[MOST_SUMS];
    for (int s = 0; s < MOST_SUMS; s += LANES) SHAPED(add_up)(totals + s, sums + s);
    for (int r = 0; r < ROWS; r++) {
        float *y = c->y + (row + r) * c->y_stride + column;
        for (int j = 0; j < COLUMNS; j++) {
            float sum = totals[r * COLUMNS + j];
            for (int64_t p = i; p < to; p++) sum += x[r * c->x_stride + p] * w[j * c->k + p];
            y[j] = c->accumulate || from > 0 ? y[j] + sum : sum;
        }
    }
}

// Some columns of y.
LETHE_INLINE void SHAPED(columns)(const product *c, int64_t begin, int64_t end) {
    int64_t column = begin, tiled = c->rows / ROWS * ROWS, parts = (c->k + INNER - 1) / INNER;
    for (; tiled > 0 && column + COLUMNS <= end; column += COLUMNS) {
        for (int64_t part = 0; part < parts; part++) {
            int64_t from = c->k / LANES * part / parts * LANES;
            int64_t to = part + 1 < parts ? c->k / LANES * (part + 1) / parts * LANES : c->k;
            for (int64_t row = 0; row < tiled; row += ROWS) SHAPED(tile)(c, row, column, from, to);
        }
        for (int64_t j = column; j < column + COLUMNS; j++) column_of(c, tiled, j);
    }
    for (; column < end; column++) column_of(c, 0, column);
}

#undef SHAPED
#undef JOIN
#undef JOIN_
