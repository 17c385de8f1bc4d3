#include "node/precondition.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/alloc.h"

void precondition_finish(struct precondition *verdict)
{
    free(verdict->message);
    *verdict = (struct precondition){0};
}

void precondition_say(struct precondition *verdict, enum precondition_state state, bool warning,
                      const char *reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *message = xvasprintf(format, args);
    va_end(args);
    free(verdict->message);
    *verdict = (struct precondition){
        .state = state, .warning = warning, .reason = reason, .message = message};
}
