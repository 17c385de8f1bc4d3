#include "unit/tempdir.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "unit/unit.h"

char *tempdir_create(void)
{
    const char *base = getenv("TMPDIR");
    char *dir = xasprintf("%s/yurt-steward-test-XXXXXX", base != NULL ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    return dir;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

void tempdir_destroy(char *dir)
{
    ck_assert_int_eq(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(dir);
}

char *tempdir_path(const char *dir, const char *name)
{
    return xasprintf("%s/%s", dir, name);
}

static void make_parents(char *path, size_t from)
{
    for (char *slash = strchr(path + from, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
}

void tempdir_write(const char *dir, const char *name, const char *text)
{
    AUTO_FREE char *path = tempdir_path(dir, name);
    make_parents(path, strlen(dir) + 1);
    FILE *file = fopen(path, "wb");
    ck_assert_msg(file != NULL, "cannot write %s", path);
    ck_assert_uint_eq(fwrite(text, 1, strlen(text), file), strlen(text));
    ck_assert_int_eq(fclose(file), 0);
}

void tempdir_write_script(const char *dir, const char *name, const char *text)
{
    AUTO_FREE char *path = tempdir_path(dir, name);
    tempdir_write(dir, name, text);
    ck_assert_int_eq(chmod(path, 0755), 0);
}

void tempdir_copy(const char *dir, const char *name, const char *from)
{
    AUTO_FREE char *text = unit_read_file(from, NULL);
    tempdir_write(dir, name, text);
}
