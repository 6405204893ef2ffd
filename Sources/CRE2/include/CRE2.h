// Regular expressions of RE2: matching takes time linear in the text, whatever the expression. RE2 speaks C++; this
// says in C what is needed of it.
#ifndef CRE2_H
#define CRE2_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A compiled expression; any number of threads may match with it.
struct re2_expression;

/// Where a match or a group of it lies in the text, in bytes; both −1 where a group took no part.
struct re2_span {
  int64_t start;
  int64_t end;
};

/// Compiles an expression in RE2's syntax over UTF-8.
///
/// Returns null where RE2 refuses it, with the reason in `reason`, which holds `capacity` bytes.
struct re2_expression *re2_compile(const char *pattern, int64_t count, char *reason, int64_t capacity);

void re2_free(struct re2_expression *expression);

/// How many groups the expression has.
int re2_group_count(const struct re2_expression *expression);

/// Finds the first match at or behind `start`.
///
/// Fills `spans` with the whole match and its first `span_count − 1` groups; returns 0 where there is no match.
int re2_find(
    const struct re2_expression *expression, const char *text, int64_t count, int64_t start, struct re2_span *spans,
    int span_count);

#ifdef __cplusplus
}
#endif

#endif
