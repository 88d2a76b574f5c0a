#include "f5/import.h"

#include "f5/plan.h"
#include "f5/write_sql.h"

static int check_input(struct f5_work *work, const struct f5_model *model, size_t length)
{
    if (length > F5_INPUT_MAX)
        return error_set(work->error, ERR_INVAL, "more than %d megabytes", F5_INPUT_MAX >> 20);
    if (model->servers.count + model->pools.count + model->wideips.count +
            model->datacenters.count + model->records.count + model->regions.count +
            model->monitors.count + model->others.count >
        0)
        return 0;
    return error_set(work->error, ERR_INVAL,
                     "there is no gtm object in the input: give the file bigip_gtm.conf or the"
                     " output of `tmsh list gtm`");
}

int f5_import(const char *text, size_t length, struct buffer *sql, struct error *error)
{
    struct arena arena = {0};
    struct error first = {0};
    struct f5_work work = {&arena, &first};
    struct list stanzas = {0};
    struct f5_model model = {0};
    struct f5_plan plan = {0};
    size_t start = sql->length;
    int code = length > F5_INPUT_MAX ? check_input(&work, &model, length)
                                     : f5_document_read(&work, text, length, &stanzas);
    if (code == 0)
        code = f5_model_read(&work, &stanzas, &model);
    if (code == 0)
        code = check_input(&work, &model, length);
    if (code == 0)
        code = f5_plan_make(&work, &model, &plan);
    if (code == 0)
        write_sql(&model, &plan, sql);
    arena_release(&arena);
    if (first.code == 0 && sql->failed)
        error_set(&first, ERR_NOMEM, "%s", error_text(ERR_NOMEM));
    if (first.code == 0)
        return code;
    buffer_truncate(sql, start);
    return error_set(error, first.code, "%s", first.text);
}
