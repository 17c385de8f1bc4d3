#include "kube/rotating_files.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "kube/config.h"
#include "kube/pem.h"

void rotating_files_init_ca(struct rotating_files *files, const char *path, const char *ca_pem)
{
    *files = (struct rotating_files){.paths = {path}, .current = {xstrdup(ca_pem)}};
}

void rotating_files_init_pair(struct rotating_files *files, const char *cert_path,
                              const char *key_path, const char *cert_pem, const char *key_pem)
{
    *files = (struct rotating_files){
        .paths = {cert_path, key_path},
        .current = {xstrdup(cert_pem), xstrdup(key_pem)},
    };
}

static void clear(char *texts[ROTATING_FILES_MAX])
{
    for (size_t i = 0; i < ROTATING_FILES_MAX; i++) {
        free(texts[i]);
        texts[i] = NULL;
    }
}

/* `to` owns what `from` owned. */
static void move(char *to[ROTATING_FILES_MAX], char *from[ROTATING_FILES_MAX])
{
    clear(to);
    for (size_t i = 0; i < ROTATING_FILES_MAX; i++) {
        to[i] = take_ptr(from[i]);
    }
}

void rotating_files_finish(struct rotating_files *files)
{
    clear(files->current);
    clear(files->pending);
}

static bool same(char *const a[ROTATING_FILES_MAX], char *const b[ROTATING_FILES_MAX])
{
    for (size_t i = 0; i < ROTATING_FILES_MAX; i++) {
        bool equal = a[i] == NULL || b[i] == NULL ? a[i] == b[i] : strcmp(a[i], b[i]) == 0;
        if (!equal) {
            return false;
        }
    }
    return true;
}

static int read_files(const struct rotating_files *files, char *texts[ROTATING_FILES_MAX],
                      struct err *err)
{
    for (size_t i = 0; i < ROTATING_FILES_MAX && files->paths[i] != NULL; i++) {
        size_t len;
        if (kube_read_file(files->paths[i], KUBE_CA_SIZE_MAX, &texts[i], &len, err) < 0) {
            return -1;
        }
        if (strlen(texts[i]) != len) {
            return err_set(err, ERR_INVALID, "%s: not PEM text: holds a NUL byte", files->paths[i]);
        }
    }
    return 0;
}

static int check_texts(const struct rotating_files *files, char *const texts[ROTATING_FILES_MAX],
                       struct err *err)
{
    int result = files->paths[1] == NULL ? pem_check_certificates(texts[0], strlen(texts[0]), err)
                                         : pem_check_pair(texts[0], texts[1], err);
    return result == 0 ? 0 : err_wrap(err, "%s", files->paths[0]);
}

static int take_over(struct rotating_files *files, char *texts[ROTATING_FILES_MAX],
                     enum rotation *ret_rotation, struct err *err)
{
    if (same(texts, files->current)) {
        clear(files->pending);
        *ret_rotation = ROTATION_NONE;
        return 0;
    }
    if (check_texts(files, texts, err) < 0) {
        return -1;
    }
    bool settled = same(texts, files->pending);
    move(settled ? files->current : files->pending, texts);
    if (settled) {
        clear(files->pending);
    }
    *ret_rotation = settled ? ROTATION_DONE : ROTATION_SETTLING;
    return 0;
}

int rotating_files_check(struct rotating_files *files, enum rotation *ret_rotation, struct err *err)
{
    char *texts[ROTATING_FILES_MAX] = {NULL};
    if (files->paths[0] == NULL) {
        *ret_rotation = ROTATION_NONE;
        return 0;
    }
    int result = read_files(files, texts, err);
    if (result == 0) {
        result = take_over(files, texts, ret_rotation, err);
    }
    if (result < 0) {
        clear(files->pending);
    }
    clear(texts);
    return result;
}
