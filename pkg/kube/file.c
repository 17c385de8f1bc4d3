#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "kube/config.h"

static int check_regular(int fd, const char *path, struct err *err)
{
    struct stat status;
    if (fstat(fd, &status) < 0) {
        return err_set_errno(err, ERR_INVALID, errno, "cannot read %s", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return err_set(err, ERR_INVALID, "cannot read %s: %s", path,
                       S_ISDIR(status.st_mode) ? "is a directory" : "not a regular file");
    }
    return 0;
}

static int read_all(int fd, const char *path, struct buf *text, struct err *err)
{
    for (;;) {
        char piece[16384];
        ssize_t got = read(fd, piece, sizeof(piece));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_set_errno(err, ERR_INVALID, errno, "cannot read %s", path);
        }
        if (got == 0) {
            return 0;
        }
        if (buf_append(text, piece, (size_t)got) < 0) {
            return err_set(err, ERR_INVALID, "cannot read %s: larger than %zu bytes", path,
                           text->limit);
        }
    }
}

int kube_read_file(const char *path, size_t limit, char **ret_text, size_t *ret_len,
                   struct err *err)
{
    /* a FIFO would block the open itself */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return err_set_errno(err, ERR_INVALID, errno, "cannot read %s", path);
    }
    AUTO(buf) struct buf text = BUF_INIT(limit);
    int result = check_regular(fd, path, err);
    if (result == 0) {
        result = read_all(fd, path, &text, err);
    }
    close(fd);
    if (result == 0) {
        *ret_len = text.len;
        *ret_text = buf_take(&text);
    }
    return result;
}

bool kube_is_header_value(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            return false;
        }
    }
    return true;
}

int kube_read_token(const char *path, char **ret_token, struct err *err)
{
    static const char space[] = " \t\r\n";
    AUTO_FREE char *text = NULL;
    size_t len;
    if (kube_read_file(path, KUBE_TOKEN_SIZE_MAX, &text, &len, err) < 0) {
        return -1;
    }
    const char *start = text + strspn(text, space);
    size_t left = strlen(start);
    while (left != 0 && strchr(space, start[left - 1]) != NULL) {
        left--;
    }
    if (left == 0) {
        return err_set(err, ERR_INVALID, "%s holds no token: it is empty", path);
    }
    AUTO_FREE char *token = xstrndup(start, left);
    if (strlen(text) != len || !kube_is_header_value(token)) {
        return err_set(err, ERR_INVALID, "%s holds no token: control characters in it", path);
    }
    *ret_token = take_ptr(token);
    return 0;
}
