import { isLiveToken, isPassword, issueToken } from './auth.ts';
import { readText } from './body.ts';
import { ApiError } from './errors.ts';
import { countRequest } from './limits.ts';
import type { Org } from './org.ts';
import { Reply } from './router.ts';
import type { Call } from './router.ts';
import { soapElements, soapOperations } from './soap-operations.ts';
import { childNames, escapeXml, readEnvelope, textAt, toXml } from './soap-xml.ts';
import type { Envelope, XmlValue } from './soap-xml.ts';

/** Ends a SOAP call with a fault: HTTP 500, the code with its prefix (`sf:`, or `soapenv:` for what is no proper call). */
class SoapFault extends Error {
  readonly code: string;
  readonly kind: string | null;
  constructor(code: string, message: string, kind: string | null = 'UnexpectedErrorFault') {
    super(message);
    this.code = code;
    this.kind = kind;
  }
}

const namespaces = 'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';
const asXml = (status: number, xml: string): Reply =>
  new Reply(status, `<?xml version="1.0" encoding="UTF-8"?>${xml}`, { 'Content-Type': 'text/xml; charset=utf-8' });

function answerXml(org: Org, operation: string, result: XmlValue): Reply {
  const limits = toXml('LimitInfoHeader', { limitInfo: { current: org.usage.used, limit: org.settings.dailyApiRequests, type: 'API REQUESTS' } });
  return asXml(
    200,
    `<soapenv:Envelope ${namespaces} xmlns="urn:partner.soap.sforce.com"><soapenv:Header>${limits}</soapenv:Header><soapenv:Body>${toXml(`${operation}Response`, { result })}</soapenv:Body></soapenv:Envelope>`,
  );
}

function faultXml({ code, message, kind }: SoapFault): Reply {
  const text = kind === null ? message : `${code}: ${message}`;
  const detail =
    kind === null
      ? ''
      : `<detail><sf:${kind} xsi:type="sf:${kind}"><sf:exceptionCode>${code}</sf:exceptionCode><sf:exceptionMessage>${escapeXml(message)}</sf:exceptionMessage></sf:${kind}></detail>`;
  return asXml(
    500,
    `<soapenv:Envelope ${namespaces} xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault>` +
      `<faultcode>${kind === null ? 'soapenv' : 'sf'}:${code}</faultcode><faultstring>${escapeXml(text)}</faultstring>${detail}</soapenv:Fault></soapenv:Body></soapenv:Envelope>`,
  );
}

/** POST /services/Soap/u/{version}: the partner API's calls that REST does not have. Errors of a call are faults, those of a record stand in its result. */
export async function soap(call: Call): Promise<Reply> {
  try {
    const version = /^(\d+)\.0$/.exec(call.params['v'] ?? '')?.[1];
    if (version === undefined || Number(version) < 31 || Number(version) > 67)
      throw new SoapFault('UNSUPPORTED_API_VERSION', 'Invalid Api version specified on URL');
    const envelope = readEnvelope(await readText(call.request));
    if (envelope === null) throw new SoapFault('Client', 'The content of the request is no SOAP envelope', null);
    return envelope.operation === 'login' ? login(call, envelope, Number(version)) : perform(call, envelope);
  } catch (error) {
    if (error instanceof SoapFault) return faultXml(error);
    if (error instanceof ApiError) return faultXml(new SoapFault(error.errorCode, error.message));
    throw error;
  }
}

function perform(call: Call, { sessionId, operation, body }: Envelope): Reply {
  const { org } = call;
  const act = soapOperations[operation];
  if (act === undefined)
    throw new SoapFault(
      'Client',
      `No operation available for request {urn:partner.soap.sforce.com}${operation}, please check the WSDL for the service.`,
      null,
    );
  const stranger = childNames(body).find((name) => !(soapElements[operation] ?? []).includes(name));
  if (stranger !== undefined) throw new SoapFault('Client', `Element {urn:partner.soap.sforce.com}${stranger} invalid at this location`, null);
  if (sessionId === null || !isLiveToken(org, sessionId)) {
    throw new SoapFault('INVALID_SESSION_ID', 'Invalid Session ID found in SessionHeader: Illegal Session. Session not found, missing session key');
  }
  countRequest(org);
  return answerXml(org, operation, act(call, body, sessionId));
}

/** `login` went with version 65.0. */
function login({ org, origin, params }: Call, { body }: Envelope, version: number): Reply {
  if (version >= 65) throw new SoapFault('UNSUPPORTED_API_VERSION', 'SOAP API login() is not available in API version 65.0 and later');
  if (!isPassword(org, textAt(body, 'username') ?? '', textAt(body, 'password') ?? '')) {
    throw new SoapFault('INVALID_LOGIN', 'Invalid username, password, security token; or user locked out.', 'LoginFault');
  }
  const { organizationId, userId, username } = org.credentials;
  return answerXml(org, 'login', {
    metadataServerUrl: `${origin}/services/Soap/m/${params['v']}/${organizationId}`,
    passwordExpired: false,
    sandbox: false,
    serverUrl: `${origin}/services/Soap/u/${params['v']}/${organizationId}`,
    sessionId: issueToken(org),
    userId,
    userInfo: {
      organizationId,
      organizationName: 'Simulated Org',
      sessionSecondsValid: Math.floor(org.settings.tokenLifetimeMs / 1000),
      userEmail: username,
      userFullName: 'Integration User',
      userId,
      userName: username,
    },
  });
}
