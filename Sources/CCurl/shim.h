#pragma once
/* libcurl for Swift. curl_easy_setopt and curl_easy_getinfo are variadic, which Swift cannot import: each wrapper
   below fixes the type of the one argument. All of them return what libcurl returns. A handle may be used by one
   thread at a time; strings are copied by libcurl, bodies given to lethe_curl_set_body are not. */
#include <curl/curl.h>

static inline CURLcode lethe_curl_set_long(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode lethe_curl_set_large(CURL *handle, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode lethe_curl_set_string(CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode lethe_curl_set_pointer(CURL *handle, CURLoption option, void *value) {
    return curl_easy_setopt(handle, option, value);
}

/* Headers of the request; the list has to live until the transfer is over. */
static inline CURLcode lethe_curl_set_headers(CURL *handle, struct curl_slist *headers) {
    return curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
}

/* Makes the request a POST with this body, which has to live until the transfer is over. */
static inline CURLcode lethe_curl_set_body(CURL *handle, const void *bytes, curl_off_t count) {
    CURLcode code = curl_easy_setopt(handle, CURLOPT_POST, 1L);
    if (code == CURLE_OK) code = curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, count);
    if (code == CURLE_OK) code = curl_easy_setopt(handle, CURLOPT_POSTFIELDS, bytes);
    return code;
}

typedef size_t (*lethe_curl_sink)(char *bytes, size_t size, size_t count, void *context);

/* Called with each piece of the response's body. */
static inline CURLcode lethe_curl_set_body_sink(CURL *handle, lethe_curl_sink sink, void *context) {
    CURLcode code = curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, sink);
    return code == CURLE_OK ? curl_easy_setopt(handle, CURLOPT_WRITEDATA, context) : code;
}

/* Called with each line of the response's head. */
static inline CURLcode lethe_curl_set_header_sink(CURL *handle, lethe_curl_sink sink, void *context) {
    CURLcode code = curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, sink);
    return code == CURLE_OK ? curl_easy_setopt(handle, CURLOPT_HEADERDATA, context) : code;
}

typedef int (*lethe_curl_progress)(
    void *context, curl_off_t download_total, curl_off_t downloaded, curl_off_t upload_total, curl_off_t uploaded);

/* Called about once a second and after each piece; a non-zero answer ends the transfer. */
static inline CURLcode lethe_curl_set_progress(CURL *handle, lethe_curl_progress progress, void *context) {
    CURLcode code = curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    if (code == CURLE_OK) code = curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, progress);
    return code == CURLE_OK ? curl_easy_setopt(handle, CURLOPT_XFERINFODATA, context) : code;
}

static inline long lethe_curl_response_code(CURL *handle) {
    long code = 0;
    return curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &code) == CURLE_OK ? code : 0;
}
