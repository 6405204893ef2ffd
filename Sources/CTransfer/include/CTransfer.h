// HTTP through libcurl, which is loaded when the first transfer begins: a command that never asks a remote does not pay
// for it. Swift can't call libcurl's variadic functions itself.
#ifndef CTRANSFER_H
#define CTRANSFER_H

#include <stdint.h>

/// How a transfer ended.
enum transfer_result {
  /// An answer came, whatever its status.
  transfer_answered,
  /// The host can't be found, does not listen, or the connection was lost; another attempt may help.
  transfer_lost,
  /// Too few bytes moved for too long; another attempt may help.
  transfer_stalled,
  /// The other side can't prove who it is.
  transfer_untrusted,
  /// What came is no HTTP that we speak.
  transfer_malformed,
  /// A callback wanted it to end.
  transfer_stopped,
};

/// Sends or takes bytes. `send` fills the buffer and returns the count, `header` and `receive` return 0 to go on; a
/// negative value ends the transfer.
typedef int64_t (*transfer_send)(char *buffer, int64_t capacity, void *context);
typedef int (*transfer_take)(const char *bytes, int64_t count, void *context);
/// Moves to a place of the body, so that it can be sent once more; 0 on success.
typedef int (*transfer_seek)(int64_t offset, void *context);
/// Is asked about once a second; anything but 0 ends the transfer.
typedef int (*transfer_watch)(void *context);

struct transfer_request {
  const char *method;
  const char *url;
  /// Lines such as `Accept: text/plain`.
  const char *const *headers;
  int header_count;
  /// Bytes of the body, or -1 for none.
  int64_t body_size;
  transfer_send send;
  transfer_seek seek;
  /// A line of the answer's head, its end included.
  transfer_take header;
  transfer_take receive;
  transfer_watch watch;
  void *context;
  /// The longest time to connect, in milliseconds.
  long connect_timeout;
  /// Ends a transfer that moves less than `stall_bytes` bytes a second for so many seconds.
  long stall_seconds;
  long stall_bytes;
  /// Whether no proxy of the environment is asked.
  int is_direct;
  /// A file with certificates to trust, or null for the system's.
  const char *authorities;
};

/// One connection, kept open between requests; used by one thread at a time.
struct transfer_connection;

/// Loads libcurl; returns 0, or -1 with the reason. May be called by any thread at any time.
int transfer_load(const char **reason);

/// A connection, or null where memory is out; `transfer_load` must have succeeded.
struct transfer_connection *transfer_open(void);
void transfer_close(struct transfer_connection *connection);

/// Makes a request; redirects are not followed, and nothing but http and https is spoken. `reason` holds 256 bytes and is
/// filled where no answer came.
enum transfer_result transfer_perform(
    struct transfer_connection *connection, const struct transfer_request *request, char *reason);

/// The parts of a URL as libcurl itself reads them, so that what is checked is what is asked.
struct transfer_address {
  char *url;
  char *scheme;
  char *host;
  char *port;
};

/// Reads a URL, relative to `base` where that is not null; returns 0, or -1 where it is none or names a user.
int transfer_read_address(const char *url, const char *base, struct transfer_address *address);
void transfer_free_address(struct transfer_address *address);

#endif
