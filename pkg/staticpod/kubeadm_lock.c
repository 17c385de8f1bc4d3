#include "staticpod/kubeadm_lock.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"

enum {
    CMDLINE_MAX = 4096 /* kubeadm's command stands near the front */
};

/* "kubeadm", "/usr/local/bin/kubeadm-v1.37.2" */
static bool is_kubeadm(const char *program)
{
    static const char name[] = "kubeadm";
    const char *slash = strrchr(program, '/');
    const char *last = slash != NULL ? slash + 1 : program;
    size_t len = sizeof(name) - 1;
    return strncmp(last, name, len) == 0 && !isalpha((unsigned char)last[len]);
}

static const char *writing_command(const char *word)
{
    static const char *const commands[] = {"upgrade", "init", "join", "reset"};
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(word, commands[i]) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

const char *kubeadm_command(const char *cmdline, size_t len)
{
    AUTO_FREE char *words = xcalloc(len + 1, 1); /* the last word may be cut */
    memcpy(words, cmdline, len);
    if (!is_kubeadm(words)) {
        return NULL;
    }
    /* flags and their values may stand before the command */
    for (size_t at = strlen(words) + 1; at < len; at += strlen(words + at) + 1) {
        const char *command = writing_command(words + at);
        if (command != NULL) {
            return command;
        }
    }
    return NULL;
}

/* One process; one that is gone has no command. */
static const char *look_at(int proc, const char *pid)
{
    char cmdline[CMDLINE_MAX];
    AUTO_FREE char *path = xasprintf("%s/cmdline", pid);
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    ssize_t len = read(fd, cmdline, sizeof(cmdline));
    close(fd);
    return len > 0 ? kubeadm_command(cmdline, (size_t)len) : NULL;
}

static char *look_through(DIR *stream)
{
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        if (!isdigit((unsigned char)entry->d_name[0])) {
            continue;
        }
        const char *command = look_at(dirfd(stream), entry->d_name);
        if (command != NULL) {
            return xasprintf("kubeadm %s (process %s)", command, entry->d_name);
        }
    }
    return NULL;
}

int kubeadm_find(const char *proc, char **ret_what, struct err *err)
{
    DIR *stream = opendir(proc);
    if (stream == NULL) {
        return err_set_errno(err, ERR_RETRY, errno, "cannot look for kubeadm in %s", proc);
    }
    *ret_what = look_through(stream);
    closedir(stream);
    return 0;
}
