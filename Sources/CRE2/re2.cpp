#include "CRE2.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <vector>

struct re2_expression {
  RE2 expression;

  re2_expression(const re2::StringPiece &pattern, const RE2::Options &options) : expression(pattern, options) {}
};

extern "C" struct re2_expression *re2_compile(const char *pattern, int64_t count, char *reason, int64_t capacity) {
  RE2::Options options;
  // What is refused is told by who asks.
  options.set_log_errors(false);
  auto *compiled =
      new (std::nothrow) re2_expression(re2::StringPiece(pattern, static_cast<size_t>(count)), options);
  if (compiled != nullptr && compiled->expression.ok()) return compiled;
  if (capacity > 0) {
    const char *why = compiled == nullptr ? "out of memory" : compiled->expression.error().c_str();
    const size_t length = std::min(std::strlen(why), static_cast<size_t>(capacity - 1));
    std::memcpy(reason, why, length);
    reason[length] = 0;
  }
  delete compiled;
  return nullptr;
}

extern "C" void re2_free(struct re2_expression *expression) { delete expression; }

extern "C" int re2_group_count(const struct re2_expression *expression) {
  return expression->expression.NumberOfCapturingGroups();
}

extern "C" int re2_find(
    const struct re2_expression *expression, const char *text, int64_t count, int64_t start, struct re2_span *spans,
    int span_count) {
  std::vector<re2::StringPiece> found(static_cast<size_t>(span_count));
  const re2::StringPiece whole(text, static_cast<size_t>(count));
  if (!expression->expression.Match(
          whole, static_cast<size_t>(start), static_cast<size_t>(count), RE2::UNANCHORED, found.data(), span_count)) {
    return 0;
  }
  for (int place = 0; place < span_count; place++) {
    const re2::StringPiece &piece = found[static_cast<size_t>(place)];
    const bool is_absent = piece.data() == nullptr;
    spans[place].start = is_absent ? -1 : piece.data() - text;
    spans[place].end = is_absent ? -1 : spans[place].start + static_cast<int64_t>(piece.size());
  }
  return 1;
}
