export { any, del, get, head, options, patch, post, put, type Verb, type Without } from './verbs.js';
export { files, type FilesOptions } from './files.js';
export { context } from './context.js';
export { type RouteLike, routes } from './routes.js';
export type { Routed, RoutedRequest } from './routed-request.js';
export type { ParamNames, Params, ParamsOf } from './path-pattern.js';
export type { Query } from './query.js';
export { type RequestIssue, type RequestSchemas, validate, type Validated, ValidationError } from './validate.js';
export type { SchemaIssue, SchemaOutput, SchemaResult, StandardSchema } from './standard-schema.js';
