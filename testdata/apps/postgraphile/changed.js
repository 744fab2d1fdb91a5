// The "new build": a plugin that answers with other titles. Nothing else changes.
module.exports = function changedTitles(builder) {
  builder.hook("GraphQLObjectType:fields:field", (field, _build, { scope, Self }) => {
    if (Self.name !== "Post" || scope.fieldName !== "title") return field;
    const { resolve } = field;
    return { ...field, resolve: async (...all) => `${await resolve(...all)}?` };
  });
};
