#include "adjust/names.h"

void names_add(struct names *names, const char *name)
{
    if (names->count < NAMES_SHOWN) {
        buf_printf(&names->text, "%s%s", names->count > 0 ? ", " : "", name);
    }
    names->count++;
}

const char *names_text(struct names *names)
{
    if (names->count > NAMES_SHOWN) {
        buf_printf(&names->text, " and %zu more", names->count - NAMES_SHOWN);
        names->count = NAMES_SHOWN;
    }
    return buf_str(&names->text);
}

void names_finish(struct names *names)
{
    buf_finish(&names->text);
}
