#include "decode.h"

#include <math.h>

#include "vector.h"

/// `height` rows of x against `width` rows of W; both are constants where this is inlined, so sums stay in registers.
INLINE void product_block(
    const int height, const int width, const float *x, int64_t x_stride, const float *w, int64_t w_stride,
    int64_t inner, float *y, int64_t y_stride, int accumulate) {
  v16 sums[4 * 8];
  for (int i = 0; i < height * width; i++) sums[i] = SPLAT(0);
  v16 a, b[8];
  int64_t k = 0;
  for (; k + lanes <= inner; k += lanes) {
    for (int column = 0; column < width; column++) load(&b[column], w + column * w_stride + k);
    for (int row = 0; row < height; row++) {
      load(&a, x + row * x_stride + k);
      for (int column = 0; column < width; column++) sums[row * width + column] += a * b[column];
    }
  }
  if (k < inner) {
    for (int column = 0; column < width; column++) load_part(&b[column], w + column * w_stride + k, inner - k, 0);
    for (int row = 0; row < height; row++) {
      load_part(&a, x + row * x_stride + k, inner - k, 0);
      for (int column = 0; column < width; column++) sums[row * width + column] += a * b[column];
    }
  }
  for (int row = 0; row < height; row++)
    for (int column = 0; column < width; column++) {
      const float sum = sum_lanes(&sums[row * width + column]);
      float *target = y + row * y_stride + column;
      *target = accumulate ? *target + sum : sum;
    }
}

KERNEL(
    void, kernel_skinny_product,
    (const float *x, int64_t x_stride, int64_t rows, const float *w, int64_t w_stride, int64_t columns,
     int64_t inner, float *y, int64_t y_stride, int accumulate),
    (x, x_stride, rows, w, w_stride, columns, inner, y, y_stride, accumulate)) {
  int64_t row = 0;
  for (; row + 4 <= rows; row += 4) {
    const float *left = x + row * x_stride;
    float *out = y + row * y_stride;
    int64_t column = 0;
    for (; column + 4 <= columns; column += 4)
      product_block(
          4, 4, left, x_stride, w + column * w_stride, w_stride, inner, out + column, y_stride, accumulate);
    for (; column < columns; column++)
      product_block(
          4, 1, left, x_stride, w + column * w_stride, w_stride, inner, out + column, y_stride, accumulate);
  }
  for (; row < rows; row++) {
    const float *left = x + row * x_stride;
    float *out = y + row * y_stride;
    int64_t column = 0;
    for (; column + 8 <= columns; column += 8)
      product_block(
          1, 8, left, x_stride, w + column * w_stride, w_stride, inner, out + column, y_stride, accumulate);
    for (; column < columns; column++)
      product_block(
          1, 1, left, x_stride, w + column * w_stride, w_stride, inner, out + column, y_stride, accumulate);
  }
}

/// scores[0 ..< count rounded up to 16] = scale · q keys; lanes beyond `count` become −∞.
INLINE void segment_scores(
    const float *query, int64_t head_width, float scale, const struct kernel_attention_segment *segment,
    float *scores) {
  int64_t position = 0;
  for (; position < segment->count; position += 4 * lanes) {
    const int64_t blocks = (segment->count - position + lanes - 1) / lanes;
    const int count = blocks < 4 ? (int)blocks : 4;
    v16 sums[4] = {SPLAT(0), SPLAT(0), SPLAT(0), SPLAT(0)}, key;
    for (int64_t d = 0; d < head_width; d++) {
      const v16 q = SPLAT(query[d]);
      const float *row = segment->keys + d * segment->key_stride + position;
      for (int block = 0; block < count; block++) {
        load(&key, row + block * lanes);
        sums[block] += q * key;
      }
    }
    for (int block = 0; block < count; block++) {
      const v16 scaled = sums[block] * SPLAT(scale);
      store(scores + position + block * lanes, &scaled);
    }
  }
  const int64_t rounded = (segment->count + lanes - 1) / lanes * lanes;
  for (int64_t i = segment->count; i < rounded; i++) scores[i] = -__builtin_inff();
}

KERNEL(
    void, kernel_decode_attention,
    (const float *query, int64_t head_width, float scale, const struct kernel_attention_segment *segments,
     int64_t segment_count, float *scores, float *sums, float *out),
    (query, head_width, scale, segments, segment_count, scores, sums, out)) {
  int64_t total = 0;
  for (int64_t s = 0; s < segment_count; s++) {
    segment_scores(query, head_width, scale, &segments[s], scores + total);
    total += (segments[s].count + lanes - 1) / lanes * lanes;
  }
  v16 best = SPLAT(-__builtin_inff()), v;
  for (int64_t i = 0; i < total; i += lanes) {
    load(&v, scores + i);
    best = SELECT(v > best, v, best);
  }
  const float shift = max_lanes(&best);
  v16 sum = SPLAT(0);
  for (int64_t i = 0; i < total; i += lanes) {
    load(&v, scores + i);
    v -= SPLAT(shift);
    vector_exp(&v);
    sum += v;
    store(scores + i, &v);
  }
  const float factor = 1.0f / sum_lanes(&sum);
  const int64_t width = (head_width + lanes - 1) / lanes * lanes;
  for (int64_t d = 0; d < width; d++) sums[d] = 0;
  int64_t first = 0;
  for (int64_t s = 0; s < segment_count; s++) {
    const struct kernel_attention_segment *segment = &segments[s];
    for (int64_t d = 0; d < width; d += 4 * lanes) {
      const int64_t blocks = (width - d) / lanes;
      const int count = blocks < 4 ? (int)blocks : 4;
      v16 parts[4], value;
      for (int block = 0; block < count; block++) load(&parts[block], sums + d + block * lanes);
      for (int64_t i = 0; i < segment->count; i++) {
        const v16 p = SPLAT(scores[first + i]);
        const float *row = segment->values + i * segment->value_stride + d;
        for (int block = 0; block < count; block++) {
          load(&value, row + block * lanes);
          parts[block] += p * value;
        }
      }
      for (int block = 0; block < count; block++) store(sums + d + block * lanes, &parts[block]);
    }
    first += (segment->count + lanes - 1) / lanes * lanes;
  }
  for (int64_t d = 0; d < head_width; d++) out[d] = sums[d] * factor;
}

KERNEL(int64_t, kernel_argmax, (const float *x, int64_t count), (x, count)) {
  v16 best = SPLAT(-__builtin_inff()), v;
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    load(&v, x + i);
    best = SELECT(v > best, v, best);
  }
  if (i < count) {
    load_part(&v, x + i, count - i, -__builtin_inff());
    best = SELECT(v > best, v, best);
  }
  const float greatest = max_lanes(&best);
  for (i = 0; i < count; i++)
    if (x[i] == greatest) return i;
  return 0;
}

enum { draw_block = 256 };

KERNEL(
    int64_t, kernel_draw,
    (const float *x, int64_t count, float inverse_temperature, double u, float *weights),
    (x, count, inverse_temperature, u, weights)) {
  v16 best = SPLAT(-__builtin_inff()), v;
  for (int64_t i = 0; i < count; i += lanes) {
    if (count - i >= lanes) load(&v, x + i); else load_part(&v, x + i, count - i, -__builtin_inff());
    best = SELECT(v > best, v, best);
  }
  const float shift = max_lanes(&best);
  double total = 0;
  for (int64_t start = 0; start < count; start += draw_block) {
    const int64_t end = start + draw_block < count ? start + draw_block : count;
    v16 sum = SPLAT(0);
    for (int64_t i = start; i < end; i += lanes) {
      if (count - i >= lanes) load(&v, x + i); else load_part(&v, x + i, count - i, -__builtin_inff());
      v = (v - SPLAT(shift)) * SPLAT(inverse_temperature);
      vector_exp(&v);
      sum += v;
      store(weights + i, &v);
    }
    total += sum_lanes(&sum);
  }
  // The same block sums again, so that the walk meets the total it was scaled by.
  const double target = u * total;
  double reached = 0;
  int64_t last = 0;
  for (int64_t start = 0; start < count; start += draw_block) {
    const int64_t end = start + draw_block < count ? start + draw_block : count;
    v16 sum = SPLAT(0);
    for (int64_t i = start; i < end; i += lanes) {
      load(&v, weights + i);
      sum += v;
    }
    const double block = sum_lanes(&sum);
    if (reached + block <= target && end < count) {
      reached += block;
      continue;
    }
    for (int64_t i = start; i < end; i++) {
      if (weights[i] <= 0) continue;
      last = i;
      reached += weights[i];
      if (reached > target) return i;
    }
  }
  // Rounding can leave the target just above the last sum: the last element that has weight.
  return last;
}
