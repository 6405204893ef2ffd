#define _GNU_SOURCE
#define CURL_DISABLE_TYPECHECK
#include "CTransfer.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The functions of libcurl that are used, under the types that its header gives them.
#define FUNCTIONS(each)                                                                                              \
  each(curl_global_init) each(curl_easy_init) each(curl_easy_cleanup) each(curl_easy_reset) each(curl_easy_setopt)   \
      each(curl_easy_perform) each(curl_easy_strerror) each(curl_slist_append) each(curl_slist_free_all)             \
          each(curl_url) each(curl_url_cleanup) each(curl_url_set) each(curl_url_get) each(curl_free)

#define DECLARE(name) static __typeof__(name) *p_##name;
FUNCTIONS(DECLARE)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char failure[256];

static void load(void) {
  void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    snprintf(failure, sizeof failure, "%s", dlerror());
    return;
  }
#define RESOLVE(name)                                                                                                \
  p_##name = (__typeof__(name) *)dlsym(library, #name);                                                              \
  if (p_##name == NULL) {                                                                                            \
    snprintf(failure, sizeof failure, "libcurl.so.4 has no %s", #name);                                              \
    return;                                                                                                          \
  }
  FUNCTIONS(RESOLVE)
  if (p_curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    snprintf(failure, sizeof failure, "libcurl could not be initialised");
}

int transfer_load(const char **reason) {
  pthread_once(&once, load);
  if (failure[0] == 0) return 0;
  *reason = failure;
  return -1;
}

struct transfer_connection {
  CURL *handle;
};

struct transfer_connection *transfer_open(void) {
  struct transfer_connection *connection = malloc(sizeof *connection);
  if (connection == NULL) return NULL;
  connection->handle = p_curl_easy_init();
  if (connection->handle == NULL) {
    free(connection);
    return NULL;
  }
  return connection;
}

void transfer_close(struct transfer_connection *connection) {
  if (connection->handle != NULL) p_curl_easy_cleanup(connection->handle);
  free(connection);
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context) {
  const struct transfer_request *request = context;
  size_t total = size * count;
  return request->header(bytes, (int64_t)total, request->context) == 0 ? total : 0;
}

static size_t on_receive(char *bytes, size_t size, size_t count, void *context) {
  const struct transfer_request *request = context;
  size_t total = size * count;
  return request->receive(bytes, (int64_t)total, request->context) == 0 ? total : 0;
}

static size_t on_send(char *buffer, size_t size, size_t count, void *context) {
  const struct transfer_request *request = context;
  int64_t sent = request->send(buffer, (int64_t)(size * count), request->context);
  return sent < 0 ? CURL_READFUNC_ABORT : (size_t)sent;
}

static int on_seek(void *context, curl_off_t offset, int origin) {
  const struct transfer_request *request = context;
  if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  return request->seek(offset, request->context) == 0 ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
  (void)a, (void)b, (void)c, (void)d;
  const struct transfer_request *request = context;
  return request->watch(request->context);
}

static enum transfer_result classify(CURLcode code) {
  switch (code) {
    case CURLE_OK: return transfer_answered;
    case CURLE_OPERATION_TIMEDOUT: return transfer_stalled;
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_WRITE_ERROR:
    case CURLE_READ_ERROR:
    case CURLE_OUT_OF_MEMORY: return transfer_stopped;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR: return transfer_untrusted;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: return transfer_lost;
    default: return transfer_malformed;
  }
}

enum transfer_result transfer_perform(
    struct transfer_connection *connection, const struct transfer_request *request, char *reason) {
  if (connection->handle == NULL) connection->handle = p_curl_easy_init();
  CURL *handle = connection->handle;
  if (handle == NULL) {
    snprintf(reason, 256, "out of memory");
    return transfer_stopped;
  }
  struct curl_slist *headers = NULL;
  char message[CURL_ERROR_SIZE] = {0};
  p_curl_easy_reset(handle);
  for (int index = 0; index < request->header_count; index++) {
    struct curl_slist *longer = p_curl_slist_append(headers, request->headers[index]);
    if (longer == NULL) {
      p_curl_slist_free_all(headers);
      snprintf(reason, 256, "out of memory");
      return transfer_stopped;
    }
    headers = longer;
  }
  CURLcode code = CURLE_OK;
#define SET(option, value) \
  if (code == CURLE_OK) code = p_curl_easy_setopt(handle, option, value)
  SET(CURLOPT_URL, request->url);
  SET(CURLOPT_PROTOCOLS_STR, "http,https");
  SET(CURLOPT_FOLLOWLOCATION, 0L);
  SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
  SET(CURLOPT_NOSIGNAL, 1L);
  SET(CURLOPT_USERAGENT, "apprentice");
  SET(CURLOPT_HTTPHEADER, headers);
  SET(CURLOPT_ERRORBUFFER, message);
  SET(CURLOPT_CONNECTTIMEOUT_MS, request->connect_timeout);
  SET(CURLOPT_LOW_SPEED_TIME, request->stall_seconds);
  SET(CURLOPT_LOW_SPEED_LIMIT, request->stall_bytes);
  SET(CURLOPT_BUFFERSIZE, 256L << 10);
  SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (request->is_direct) SET(CURLOPT_NOPROXY, "*");
  if (request->authorities != NULL) SET(CURLOPT_CAINFO, request->authorities);
  SET(CURLOPT_HEADERFUNCTION, on_header);
  SET(CURLOPT_HEADERDATA, (void *)request);
  SET(CURLOPT_WRITEFUNCTION, on_receive);
  SET(CURLOPT_WRITEDATA, (void *)request);
  SET(CURLOPT_XFERINFOFUNCTION, on_progress);
  SET(CURLOPT_XFERINFODATA, (void *)request);
  SET(CURLOPT_NOPROGRESS, 0L);
  if (request->body_size >= 0) {
    SET(CURLOPT_UPLOAD, 1L);
    SET(CURLOPT_UPLOAD_BUFFERSIZE, 1L << 20);
    SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_size);
    SET(CURLOPT_READFUNCTION, on_send);
    SET(CURLOPT_READDATA, (void *)request);
    SET(CURLOPT_SEEKFUNCTION, on_seek);
    SET(CURLOPT_SEEKDATA, (void *)request);
    SET(CURLOPT_CUSTOMREQUEST, request->method);
  } else if (strcmp(request->method, "HEAD") == 0) {
    SET(CURLOPT_NOBODY, 1L);
  } else {
    SET(CURLOPT_HTTPGET, 1L);
    if (strcmp(request->method, "GET") != 0) SET(CURLOPT_CUSTOMREQUEST, request->method);
  }
  if (code == CURLE_OK) code = p_curl_easy_perform(handle);
  p_curl_slist_free_all(headers);
  if (code != CURLE_OK) snprintf(reason, 256, "%s", message[0] != 0 ? message : p_curl_easy_strerror(code));
  if (code == CURLE_OK) {
    // What points into this frame must not outlive it.
    p_curl_easy_reset(handle);
  } else {
    // A handle whose transfer failed is not used again: after a host that can't be found libcurl 7.88 fails at every one.
    p_curl_easy_cleanup(handle);
    connection->handle = NULL;
  }
  return classify(code);
}

int transfer_read_address(const char *url, const char *base, struct transfer_address *address) {
  memset(address, 0, sizeof *address);
  CURLU *handle = p_curl_url();
  if (handle == NULL) return -1;
  CURLUcode code = CURLUE_OK;
  if (base != NULL) code = p_curl_url_set(handle, CURLUPART_URL, base, 0);
  if (code == CURLUE_OK) code = p_curl_url_set(handle, CURLUPART_URL, url, CURLU_DISALLOW_USER);
  if (code == CURLUE_OK) code = p_curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0);
  if (code == CURLUE_OK) code = p_curl_url_get(handle, CURLUPART_URL, &address->url, 0);
  if (code == CURLUE_OK) code = p_curl_url_get(handle, CURLUPART_SCHEME, &address->scheme, 0);
  if (code == CURLUE_OK) code = p_curl_url_get(handle, CURLUPART_HOST, &address->host, 0);
  if (code == CURLUE_OK) code = p_curl_url_get(handle, CURLUPART_PORT, &address->port, CURLU_DEFAULT_PORT);
  p_curl_url_cleanup(handle);
  if (code == CURLUE_OK) return 0;
  transfer_free_address(address);
  return -1;
}

void transfer_free_address(struct transfer_address *address) {
  if (address->url != NULL) p_curl_free(address->url);
  if (address->scheme != NULL) p_curl_free(address->scheme);
  if (address->host != NULL) p_curl_free(address->host);
  if (address->port != NULL) p_curl_free(address->port);
  memset(address, 0, sizeof *address);
}
