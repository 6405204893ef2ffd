#include "kernels.h"
#include "vector.h"

KERNEL(void, kernel_axpy, (float a, const float *x, float *y, int64_t count), (a, x, y, count)) {
  for (int64_t i = 0; i < count; i++) y[i] += a * x[i];
}

KERNEL(void, kernel_scale, (float a, float *x, int64_t count), (a, x, count)) {
  for (int64_t i = 0; i < count; i++) x[i] *= a;
}

KERNEL(void, kernel_add, (const float *x, const float *y, float *z, int64_t count), (x, y, z, count)) {
  for (int64_t i = 0; i < count; i++) z[i] = x[i] + y[i];
}

KERNEL(void, kernel_exp, (const float *x, float *y, int64_t count), (x, y, count)) {
  int64_t i = 0;
  v16 v;
  for (; i + lanes <= count; i += lanes) {
    load(&v, x + i);
    vector_exp(&v);
    store(y + i, &v);
  }
  if (i < count) {
    load_part(&v, x + i, count - i, 0);
    vector_exp(&v);
    store_part(y + i, &v, count - i);
  }
}

KERNEL(double, kernel_sum_of_squares, (const float *x, int64_t count), (x, count)) {
  d8 sums[2] = {{0}, {0}};
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes)
    for (int half = 0; half < 2; half++) {
      v8 part;
      memcpy(&part, x + i + 8 * half, sizeof part);
      d8 wide = __builtin_convertvector(part, d8);
      sums[half] += wide * wide;
    }
  double lane[8], sum = 0;
  d8 both = sums[0] + sums[1];
  memcpy(lane, &both, sizeof both);
  for (int j = 0; j < 8; j++) sum += lane[j];
  for (; i < count; i++) sum += (double)x[i] * (double)x[i];
  return sum;
}

// Blocks are looked at without a branch for each element, so that the loop is one of vectors.
KERNEL(int64_t, kernel_first_not_finite, (const float *x, int64_t count), (x, count)) {
  enum { block = 1024 };
  for (int64_t start = 0; start < count; start += block) {
    const int64_t end = count - start < block ? count : start + block;
    uint32_t found = 0;
    for (int64_t i = start; i < end; i++) {
      uint32_t bits;
      memcpy(&bits, x + i, sizeof bits);
      found |= (bits & 0x7F800000u) == 0x7F800000u;
    }
    if (!found) continue;
    for (int64_t i = start; i < end; i++) {
      uint32_t bits;
      memcpy(&bits, x + i, sizeof bits);
      if ((bits & 0x7F800000u) == 0x7F800000u) return i;
    }
  }
  return -1;
}

KERNEL(
    void, kernel_add_bias,
    (const float *bias, float *y, int64_t rows, int64_t columns, int64_t stride),
    (bias, y, rows, columns, stride)) {
  for (int64_t row = 0; row < rows; row++)
    for (int64_t i = 0; i < columns; i++) y[row * stride + i] += bias[i];
}

KERNEL(
    void, kernel_sum_rows,
    (const float *y, float *sum, int64_t rows, int64_t columns, int64_t stride),
    (y, sum, rows, columns, stride)) {
  for (int64_t row = 0; row < rows; row++)
    for (int64_t i = 0; i < columns; i++) sum[i] += y[row * stride + i];
}

void kernel_gather_rows(const float *table, const int32_t *ids, float *out, int64_t rows, int64_t width) {
  for (int64_t row = 0; row < rows; row++)
    memcpy(out + row * width, table + (int64_t)ids[row] * width, (size_t)width * sizeof(float));
}

KERNEL(
    void, kernel_scatter_add_rows,
    (float *table, const int32_t *ids, const float *x, int64_t rows, int64_t width, int64_t first, int64_t last),
    (table, ids, x, rows, width, first, last)) {
  for (int64_t row = 0; row < rows; row++) {
    float *to = table + (int64_t)ids[row] * width;
    const float *from = x + row * width;
    for (int64_t i = first; i < last; i++) to[i] += from[i];
  }
}
