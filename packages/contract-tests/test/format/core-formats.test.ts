import { describeFormatContract } from '@sd/contract-tests'
import { jsonFormat, kratosFormat } from '@sd/core/driver'

const kratos =
  '{"id":"orders-1","name":"orders","version":"1.2.3","metadata":{"a":"b","weight":"50"},"endpoints":["http://10.0.0.1:8080","grpc://10.0.0.1:9090"]}'
const nulls = '{"id":"x","name":"orders","version":"","metadata":null,"endpoints":null}'

describeFormatContract(jsonFormat, {
  foreign: [{ key: 'orders/orders-1', value: kratos, instance: { weight: 50 } }],
  unreadable: [{ key: 'orders/orders-1', value: nulls }],
})

describeFormatContract(kratosFormat, {
  foreign: [
    { key: 'orders/orders-1', value: kratos, instance: { weight: 50, metadata: { a: 'b' } } },
    { key: 'orders/x', value: nulls, instance: { endpoints: [], metadata: {} } },
  ],
  unreadable: [
    { key: 'orders/x', value: '{"id":"x","name":"orders","metadata":{"n":1}}' },
    { key: 'orders/x', value: 'no json at all' },
  ],
})
