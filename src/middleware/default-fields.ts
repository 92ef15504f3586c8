/** Fields for every reply, whatever becomes of the request. */
import type { Handler } from '../rx/handler.js';
import type { HttpRequest } from '../rx/request.js';
import { passThrough } from './map-response.js';
import { type ResponseFields, withDefaultFields } from './response-fields.js';

/**
 * A handler whose replies have these fields where they have not said otherwise; also those that errors and missing handlers become.
 *
 * @param fieldsOf - Names in lower case.
 */
export const giveDefaultFields = (handler: Handler, fieldsOf: (request: HttpRequest) => ResponseFields): Handler =>
  passThrough(handler, (request) => {
    const fields = fieldsOf(request);
    return { response: (response) => withDefaultFields(response, fields), faultFields: () => fields };
  });
