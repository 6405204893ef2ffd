#include "kernels.h"
#include "vector.h"

INLINE void philox(uint32_t c[4], uint32_t k0, uint32_t k1) {
  for (int round = 0; round < 10; round++) {
    const uint64_t a = (uint64_t)0xD2511F53u * c[0], b = (uint64_t)0xCD9E8D57u * c[2];
    const uint32_t next0 = (uint32_t)(b >> 32) ^ c[1] ^ k0, next2 = (uint32_t)(a >> 32) ^ c[3] ^ k1;
    c[1] = (uint32_t)b;
    c[3] = (uint32_t)a;
    c[0] = next0;
    c[2] = next2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

void kernel_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  memcpy(out, counter, 4 * sizeof(uint32_t));
  philox(out, key[0], key[1]);
}

KERNEL(
    void, kernel_dropout,
    (const float *x, float *y, int64_t count, uint64_t first, uint64_t stream, const uint32_t key[2],
     float probability, int accumulate),
    (x, y, count, first, stream, key, probability, accumulate)) {
  const float scale = 1.0f / (1.0f - probability);
  for (int64_t i = 0; i < count;) {
    const uint64_t element = first + (uint64_t)i, block = element / 4;
    uint32_t c[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)};
    philox(c, key[0], key[1]);
    for (uint64_t lane = element % 4; lane < 4 && i < count; lane++, i++) {
      const float uniform = (float)(c[lane] >> 8) * 0x1p-24f;
      const float value = uniform < probability ? 0 : x[i] * scale;
      y[i] = accumulate ? y[i] + value : value;
    }
  }
}
