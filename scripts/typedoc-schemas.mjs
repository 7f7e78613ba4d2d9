import { Converter, ReferenceType } from 'typedoc';

/**
 * TypeDoc plugin. The type of a valibot schema spells out every field once more, inside out; the inferred type beside it
 * says the same readably. So a schema is shown as `StrictObjectSchema` or `SchemaWithPipe` alone, without its type arguments.
 */
export function load(/** @type {import('typedoc').Application} */ app) {
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
    const { type } = reflection;
    if (!(type instanceof ReferenceType) || !/^(\w+Schema|SchemaWithPipe)$/.test(type.name) || !type.typeArguments)
      return;
    for (const argument of type.typeArguments) context.project.removeTypeReflections(argument);
    delete type.typeArguments;
  });
}
