// Answers calls of DynamoDB as dynalite does: reads [{operation, body}] from standard input and writes [{status, body}].
const http = require('node:http')
const dynalite = require('dynalite')

const calls = JSON.parse(require('node:fs').readFileSync(0))
const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 })
const agent = new http.Agent({ keepAlive: true })

function call({ operation, body }) {
  return new Promise((resolve, reject) => {
    const request = http.request({
      host: '127.0.0.1', port: server.address().port, method: 'POST', agent,
      headers: {
        'Content-Type': 'application/x-amz-json-1.0',
        'X-Amz-Target': 'DynamoDB_20120810.' + operation,
        'X-Amz-Date': '20260709T101530Z',
        Authorization: 'AWS4-HMAC-SHA256 Credential=local/20260709/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
      },
    }, response => {
      let text = ''
      response.on('data', chunk => { text += chunk })
      response.on('end', () => resolve({ status: response.statusCode, body: JSON.parse(text || 'null') }))
    })
    request.on('error', reject)
    request.end(JSON.stringify(body))
  })
}

server.listen(0, '127.0.0.1', async () => {
  const answers = []
  for (const one of calls) {
    let answer = await call(one)
    // A table is there a moment after its creation.
    while (one.operation === 'DescribeTable' && answer.body.Table.TableStatus !== 'ACTIVE') answer = await call(one)
    answers.push(answer)
  }
  process.stdout.write(JSON.stringify(answers), () => process.exit(0))
})
