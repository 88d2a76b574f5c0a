#include "program/command/command.h"
#include "program/command/status.h"

enum command_result command_status(const struct command_call *call)
{
    struct world world;
    struct status status;
    struct error error = {0};
    if (responder_enter(call->responder, &world, &error) != 0)
        return command_failed(call, &error);
    int code = status_gather(call->responder, &world, call->database, &status, &error);
    if (code == 0)
        status_print(&status, call->out);
    status_release(&status);
    responder_leave(call->responder);
    return code == 0 ? COMMAND_OK : command_failed(call, &error);
}
