// The server that `../run` has started, and what it was filled with; see `../../serve.py`.

import assert from 'node:assert/strict';

export const {
    FLAGSTAFF_TEST_URL: url,
    FLAGSTAFF_TEST_PRODUCTION_KEY: productionKey,
    FLAGSTAFF_TEST_STAGING_KEY: stagingKey
} = process.env;
const { FLAGSTAFF_TEST_USERNAME: username, FLAGSTAFF_TEST_PASSWORD: password } = process.env;
export const unknownKey = '0'.repeat(32);

// Name, value, whether it is enabled: what `../../serve.py` creates.
export const features = [
    ['null_value', null, true],
    ['boolean_true', true, true],
    ['boolean_false', false, true],
    ['string', 'Grüße, 世界 "quoted" \\ back\nnew line', true],
    ['empty_string', '', true],
    ['integer', 42, true],
    ['negative_integer', -7, true],
    // JavaScript has doubles alone: the nearest one arrives.
    ['largest_integer', Number(2n ** 63n - 1n), true],
    ['float', 0.25, true],
    ['whole_float', 2, true],
    ['object', { theme: 'dark', limits: [1, 2.5, null], nested: { on: true } }, true],
    ['array', [1, 'two', false], true],
    ['disabled', 'still has a value', false],
    ['changing', 'before', false]
];

/** What OFREP makes of a feature's value: a switch where there is none, an array's JSON text. */
export function ofrepValue(value, enabled) {
    if (value === null) return enabled;
    return Array.isArray(value) ? JSON.stringify(value) : value;
}

/** Changes a flag of production. */
export async function change(name, body) {
    const response = await fetch(`${url}/api/admin/environments/production/flags/${name}`, {
        method: 'PATCH',
        headers: {
            Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
            'Content-Type': 'application/json'
        },
        body: JSON.stringify(body)
    });
    assert.equal(response.status, 200, await response.text());
}
